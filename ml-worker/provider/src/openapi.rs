//! The description of the API, for programs that read such things (OpenAPI 3.1).
//!
//! The types here repeat those of `oda_inference::api` with their bounds as a schema has them; a test holds the two together.

#![allow(dead_code, reason = "the types are read by their derive alone")]

use oda_inference::api::{
	IDEMPOTENCY_KEY, INFER_PATH, JSON, MODELS_PATH, PAYMENT, PROBLEM_JSON, ProblemKind, QUOTE_PATH,
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};
use utoipa::{
	PartialSchema, ToSchema,
	openapi::{
		ComponentsBuilder, ContentBuilder, Header, HeaderBuilder, HttpMethod, InfoBuilder, ObjectBuilder,
		OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Ref, RefOr, Required, ResponseBuilder,
		ResponsesBuilder, Schema, Type,
		extensions::Extensions,
		link::{Link, LinkBuilder},
		path::{OperationBuilder, ParameterBuilder, ParameterIn},
		request_body::RequestBodyBuilder,
		schema::{KnownFormat, SchemaFormat},
		security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme},
	},
};

/// What the payment is called among the ways to be let in.
const VOUCHER: &str = "voucher";

/// What the provider answers now.
#[derive(Deserialize, ToSchema)]
struct Models {
	/// The hash of the chain's block 0.
	genesis: Hash,
	/// The provider's account, with which channels are opened, in SS58.
	provider: String,
	/// The account of the key that signs receipts, in SS58.
	receipt_key: String,
	terms: Terms,
	models: Vec<ServedModel>,
}

/// The terms of channels that are opened now, in ticks.
#[derive(Deserialize, ToSchema)]
struct Terms {
	/// Time between a user's wish to close a channel and its end.
	grace: u64,
	/// Time in which a one-shot request is answered.
	answer: u64,
}

/// A model that the provider answers.
#[derive(Deserialize, ToSchema)]
struct ServedModel {
	model: Hash,
	/// The version that answers.
	version: Version,
	/// The root of its weights.
	weights: Hash,
	/// Its score on the chain.
	score: i64,
	price: Price,
	/// Multiply-accumulates of one input.
	macs: u64,
	/// What one input consists of.
	inputs: Vec<Tensor>,
	/// What one output consists of.
	outputs: Vec<Tensor>,
	/// The model's card.
	#[schema(value_type = Object, nullable)]
	card: serde_json::Value,
	limits: Limits,
}

/// What a request costs: `per_request`, and `per_mmac` for each million multiply-accumulates, the last one rounded up.
#[derive(Deserialize, ToSchema)]
struct Price {
	per_request: Amount,
	per_mmac: Amount,
}

/// A tensor's type and size.
#[derive(Deserialize, ToSchema)]
struct Tensor {
	dtype: DType,
	/// The extent of each axis, outermost first.
	shape: Vec<u32>,
	/// Number of bytes.
	bytes: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DType {
	I8,
	U8,
	I16,
	U16,
	I32,
}

/// How much can be asked at once.
#[derive(Deserialize, ToSchema)]
struct Limits {
	/// Maximum number of inputs.
	max_count: Count,
	/// Maximum number of bytes of the body.
	max_body: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QuoteRequest {
	model: Hash,
	count: Count,
}

#[derive(Deserialize, ToSchema)]
struct Quote {
	model: Hash,
	/// The version that would answer.
	version: Version,
	price: Amount,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InferRequest {
	model: Hash,
	#[schema(min_items = 1)]
	inputs: Vec<Input>,
}

/// One input. All but a tensor are made into one as the model's card says.
// Each way has a name and no other field, so that generated clients have a class for it.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
enum Input {
	Png(InputPng),
	Bytes(InputBytes),
	Numbers(InputNumbers),
	Tensor(InputTensor),
}

/// A PNG file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InputPng {
	png: Base64,
}

/// Bytes of a text or file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InputBytes {
	bytes: Base64,
}

/// Numbers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InputNumbers {
	numbers: Vec<f64>,
}

/// The bytes of the model's inputs, one after the other, as they are hashed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InputTensor {
	tensor: Base64,
}

#[derive(Deserialize, ToSchema)]
struct InferAnswer {
	model: Hash,
	/// The version that answered.
	version: Version,
	/// An answer for each input, in their order.
	answers: Vec<Answer>,
	receipt: Receipt,
	signature: Signature,
	/// The bytes of all inputs, one after the other: their BLAKE3 hash is the receipt's `input`.
	input: Base64,
}

/// The answer to one input. Only `output` is what the provider answers for.
#[derive(Deserialize, ToSchema)]
struct Answer {
	/// The bytes of the model's outputs, one after the other.
	output: Base64,
	/// The class with the highest score.
	class: Option<u32>,
	/// What the card calls this class.
	label: Option<String>,
	/// The output as integers.
	scores: Option<Vec<i32>>,
}

/// What the provider answers for.
#[derive(Deserialize, ToSchema)]
struct Receipt {
	payment: Payment,
	/// The hash of model, input and count.
	request: Hash,
	/// The root of the weights that answered.
	weights: Hash,
	/// The BLAKE3 hash of all inputs' bytes.
	input: Hash,
	/// The BLAKE3 hash of all outputs' bytes.
	output: Hash,
	count: Count,
	price: Amount,
	/// The voucher's.
	nonce: u64,
	/// The first tick at which it is no evidence any more.
	expires: u64,
}

/// What it is paid from.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Payment {
	/// A channel.
	Channel(u64),
	/// A one-shot request.
	OneShot(u64),
}

/// What the provider knows of a channel.
#[derive(Deserialize, ToSchema)]
struct ChannelState {
	channel: u64,
	/// The sum of the prices of all receipts.
	spent: Amount,
	/// The last voucher that the user signed.
	last: Option<SignedVoucher>,
	/// The nonce of the last request; 0 before the first.
	nonce: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignedVoucher {
	voucher: Voucher,
	signature: Signature,
}

/// A user's promise: of a channel's deposit, so much in all is the provider's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Voucher {
	channel: u64,
	/// The version of the model whose trainer earns what this voucher adds.
	version: Version,
	/// Everything promised since the channel was opened.
	amount: Amount,
	/// Greater than that of every request before.
	nonce: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignedClosing {
	closing: Closing,
	signature: Signature,
}

/// What user and provider sign to close a channel at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Closing {
	channel: u64,
	/// The version of the model whose trainer earns what was not claimed yet.
	version: Version,
	/// Everything that is the provider's.
	amount: Amount,
	/// The first tick at which the closing is worth nothing.
	expires: u64,
}

#[derive(Deserialize, ToSchema)]
struct CloseAnswer {
	signature: Signature,
}

/// Why a request was refused (RFC 9457).
#[derive(Deserialize, ToSchema)]
struct Problem {
	/// A URI that names the kind.
	r#type: String,
	/// The kind in words.
	title: String,
	/// The HTTP status.
	status: u16,
	/// What is the matter this time.
	detail: Option<String>,
}

/// The number of a version of a model.
#[derive(Deserialize)]
struct Version(u32);

/// A number of inputs.
#[derive(Deserialize)]
struct Count(u32);

impl PartialSchema for Version {
	fn schema() -> RefOr<Schema> {
		number(0, "The number of a version of a model.")
	}
}

impl PartialSchema for Count {
	fn schema() -> RefOr<Schema> {
		number(1, "A number of inputs.")
	}
}

impl ToSchema for Version {}
impl ToSchema for Count {}

/// A number of 32 bits. The derived schema would have a format of 32 bits, which has a sign.
fn number(least: u32, about: &str) -> RefOr<Schema> {
	let number = ObjectBuilder::new()
		.schema_type(Type::Integer)
		.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
		.minimum(Some(least))
		.maximum(Some(u32::MAX))
		.description(Some(about));
	number.into()
}

/// 32 bytes in hexadecimal.
#[derive(Deserialize, ToSchema)]
#[schema(pattern = "^0x[0-9a-f]{64}$")]
struct Hash(String);

/// Planck in decimal digits, below 2^128.
#[derive(Deserialize, ToSchema)]
#[schema(pattern = "^(0|[1-9][0-9]{0,37})$")]
struct Amount(String);

/// A signature as the chain encodes it: `00` and one of ed25519, or `01` and one of sr25519.
#[derive(Deserialize, ToSchema)]
#[schema(pattern = "^0x0[01][0-9a-f]{128}$")]
struct Signature(String);

/// Bytes in base64.
#[derive(Deserialize, ToSchema)]
#[schema(pattern = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$")]
struct Base64(String);

/// A route.
struct Route {
	method: HttpMethod,
	path: &'static str,
	id: &'static str,
	summary: &'static str,
	numbers: &'static [&'static str],
	/// Whether it takes an `Idempotency-Key`.
	key: bool,
	body: Option<&'static str>,
	answer: Option<&'static str>,
	/// Of which other requests the answer knows parameters.
	links: &'static [(&'static str, Parameters)],
	problems: &'static [ProblemKind],
}

/// The names of parameters, and where in a request or its answer they are.
type Parameters = &'static [(&'static str, &'static str)];

const OF_ANSWER: Parameters = &[("channel", "$response.body#/receipt/payment/channel")];
const OF_CHANNEL: Parameters = &[("channel", "$response.body#/channel")];

/// What any route may answer.
const ANY: [ProblemKind; 3] = [ProblemKind::TooMany, ProblemKind::HeadersTooLarge, ProblemKind::Unavailable];

const READING: [ProblemKind; 4] =
	[ProblemKind::Malformed, ProblemKind::TooSlow, ProblemKind::TooLarge, ProblemKind::UnsupportedMedia];

fn routes() -> Vec<Route> {
	use ProblemKind::{
		Busy, ChannelNotFinal, ChannelUnusable, ClosingTooLow, DepositTooLow, KeyReused, Malformed,
		NonceUsed, OtherChain, PaymentRequired, Unfit, UnknownChannel, UnknownModel, UnknownReceipt,
		VoucherForged, VoucherTooLow,
	};
	let route = |method, path, id, summary| Route {
		method,
		path,
		id,
		summary,
		numbers: &[],
		key: false,
		body: None,
		answer: None,
		links: &[],
		problems: &[],
	};
	vec![
		Route {
			answer: Some("Models"),
			..route(HttpMethod::Get, MODELS_PATH, "models", "What the provider answers now")
		},
		Route {
			body: Some("QuoteRequest"),
			answer: Some("Quote"),
			problems: &[UnknownModel, Unfit],
			..route(
				HttpMethod::Post,
				QUOTE_PATH,
				"quote",
				"The price of a request in a channel that is opened now",
			)
		},
		Route {
			key: true,
			body: Some("InferRequest"),
			answer: Some("InferAnswer"),
			links: &[
				("channel", OF_ANSWER),
				("close", OF_ANSWER),
				(
					"receipt",
					&[
						("channel", "$response.body#/receipt/payment/channel"),
						("nonce", "$response.body#/receipt/nonce"),
						(IDEMPOTENCY_KEY, "$request.header.idempotency-key"),
					],
				),
			],
			problems: &[
				PaymentRequired,
				VoucherTooLow,
				NonceUsed,
				OtherChain,
				VoucherForged,
				DepositTooLow,
				ChannelUnusable,
				UnknownModel,
				UnknownChannel,
				Busy,
				Unfit,
				KeyReused,
				ChannelNotFinal,
			],
			..route(HttpMethod::Post, INFER_PATH, "infer", "Asks a model")
		},
		Route {
			numbers: &["channel"],
			answer: Some("ChannelState"),
			links: &[
				("close", OF_CHANNEL),
				("receipt", &[("channel", "$response.body#/channel"), ("nonce", "$response.body#/nonce")]),
			],
			problems: &[Malformed, UnknownChannel, ChannelNotFinal],
			..route(
				HttpMethod::Get,
				"/v1/channels/{channel}",
				"channel",
				"What the provider knows of a channel",
			)
		},
		Route {
			numbers: &["channel", "nonce"],
			key: true,
			answer: Some("InferAnswer"),
			problems: &[Malformed, UnknownReceipt],
			..route(
				HttpMethod::Get,
				"/v1/channels/{channel}/receipts/{nonce}",
				"receipt",
				"The last answer once more, for whoever sends its Idempotency-Key",
			)
		},
		Route {
			numbers: &["channel"],
			body: Some("SignedClosing"),
			answer: Some("CloseAnswer"),
			problems: &[VoucherForged, DepositTooLow, UnknownChannel, Busy, ClosingTooLow, ChannelNotFinal],
			..route(
				HttpMethod::Post,
				"/v1/channels/{channel}/close",
				"close",
				"Closes a channel by agreement: the provider signs too",
			)
		},
		Route {
			answer: Some("Object"),
			..route(HttpMethod::Get, "/openapi.json", "description", "This description")
		},
		route(HttpMethod::Get, "/healthz", "health", "Whether the provider would answer"),
	]
}

impl Route {
	fn item(&self) -> PathItem {
		let mut operation = OperationBuilder::new().operation_id(Some(self.id)).summary(Some(self.summary));
		for name in self.numbers {
			let number = ObjectBuilder::new()
				.schema_type(Type::Integer)
				.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
				.minimum(Some(0));
			operation = operation.parameter(
				ParameterBuilder::new()
					.name(*name)
					.parameter_in(ParameterIn::Path)
					.required(Required::True)
					.schema(Some(number)),
			);
		}
		if self.key {
			let key = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]{1,64}$"));
			let about = "Names the request: sent again with the same body, it gets the same answer and costs nothing.";
			operation = operation.parameter(
				ParameterBuilder::new()
					.name(IDEMPOTENCY_KEY)
					.parameter_in(ParameterIn::Header)
					.required(Required::False)
					.description(Some(about))
					.schema(Some(key)),
			);
		}
		if let Some(body) = self.body {
			let content = ContentBuilder::new().schema(Some(schema(body))).build();
			let body = RequestBodyBuilder::new().content(JSON, content).required(Some(Required::True));
			operation = operation.request_body(Some(body.build()));
		}
		if self.path == INFER_PATH {
			operation = operation.security(SecurityRequirement::new(VOUCHER, [""; 0]));
		}
		PathItem::new(self.method.clone(), operation.responses(self.responses()))
	}

	fn responses(&self) -> ResponsesBuilder {
		let mut responses = ResponsesBuilder::new();
		responses = match self.answer {
			Some(answer) => {
				let content = ContentBuilder::new().schema(Some(schema(answer))).build();
				let response = ResponseBuilder::new().description(self.summary).content(JSON, content);
				let response = self.links.iter().fold(response, |response, (operation, parameters)| {
					response.link(*operation, link(operation, parameters))
				});
				responses.response("200", response)
			}
			None => responses.response("204", ResponseBuilder::new().description("It would")),
		};
		let mut all: BTreeMap<u16, Vec<ProblemKind>> = BTreeMap::new();
		let reading = if self.body.is_some() { &READING[..] } else { &[] };
		for kind in self.problems.iter().chain(reading).chain(&ANY) {
			all.entry(kind.status()).or_default().push(*kind);
		}
		for (status, kinds) in all {
			let about: Vec<String> =
				kinds.iter().map(|kind| format!("`{}`: {}.", kind.uri(), kind.title())).collect();
			let content = ContentBuilder::new().schema(Some(schema("Problem"))).build();
			let mut response =
				ResponseBuilder::new().description(about.join("\n\n")).content(PROBLEM_JSON, content);
			if matches!(status, 409 | 425 | 429 | 503) {
				let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
				response =
					response.header("Retry-After", header(seconds, "Seconds after which to ask again."));
			}
			if status == 402 && self.path == INFER_PATH {
				response = response
					.header(
						"PAYMENT-REQUIRED",
						text("What would be accepted: base64 of JSON as x402 (version 2) has it."),
					)
					.header("WWW-Authenticate", text("The same as a challenge of the HTTP scheme Payment."));
			}
			responses = responses.response(status.to_string(), response);
		}
		responses
	}
}

fn text(about: &str) -> Header {
	header(ObjectBuilder::new().schema_type(Type::String), about)
}

fn header(schema: ObjectBuilder, about: &str) -> Header {
	HeaderBuilder::new().schema(schema).description(Some(about)).build()
}

fn link(operation: &str, parameters: Parameters) -> Link {
	let link = parameters.iter().fold(LinkBuilder::new(), |link, (name, at)| link.parameter(*name, *at));
	// The field that it has for this is not written as OpenAPI spells it.
	link.extensions(Some(Extensions::from_iter([("operationId", operation)]))).build()
}

fn schema(name: &str) -> RefOr<Schema> {
	match name {
		"Object" => ObjectBuilder::new().into(),
		name => Ref::from_schema_name(name).into(),
	}
}

fn document() -> OpenApi {
	macro_rules! schemas {
		($($name:ident)*) => { [$((stringify!($name), <$name as PartialSchema>::schema())),*] };
	}
	let payment = ApiKeyValue::with_description(
		PAYMENT,
		"Base64 of the JSON of a `SignedVoucher`. Its amount covers what the channel was charged before and this request.",
	);
	let components = ComponentsBuilder::new()
		.schemas_from_iter(schemas! {
			Models Terms ServedModel Price Tensor DType Limits QuoteRequest Quote InferRequest Input InputPng InputBytes
			InputNumbers InputTensor InferAnswer Answer Receipt Payment ChannelState SignedVoucher Voucher SignedClosing Closing CloseAnswer Problem
			Version Count Hash Amount Signature Base64
		})
		.security_scheme(VOUCHER, SecurityScheme::ApiKey(ApiKey::Header(payment)));
	let mut paths = PathsBuilder::new();
	for route in routes() {
		paths = paths.path(route.path, route.item());
	}
	let info = InfoBuilder::new().title("Paid inference").version(env!("CARGO_PKG_VERSION")).description(
		Some("Models that answer for vouchers of payment channels, with a receipt for each answer."),
	);
	OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
}

/// The description of the HTTP API: the JSON of an OpenAPI document (3.1). Served at `/openapi.json`.
pub fn json() -> &'static str {
	// Strings and numbers alone: writing them cannot fail.
	static JSON: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());
	&JSON
}

#[cfg(test)]
mod tests {
	use super::*;
	use oda_client::{AccountId, Key};
	use oda_inference::api;
	use oda_primitives as primitives;
	use serde::Serialize;
	use serde_json::Value;
	use std::collections::BTreeSet;

	fn description() -> Value {
		serde_json::from_str(json()).unwrap()
	}

	/// Whether an example has what its schema says, all of it and nothing else; a small part of JSON Schema.
	fn check(schema: &Value, value: &Value, at: &str) {
		let all = description();
		let resolved = |schema: &Value| match schema["$ref"].as_str() {
			Some(name) => {
				let found = all["components"]["schemas"][name.rsplit('/').next().unwrap()].clone();
				assert!(found.is_object(), "{at}: no schema {name}");
				found
			}
			None => schema.clone(),
		};
		let schema = resolved(schema);
		if let Some(several) = schema["oneOf"].as_array() {
			let key = value.as_object().and_then(|object| object.keys().next());
			let fitting = several.iter().map(resolved).find(|one| match key {
				Some(key) if one["properties"].is_object() => !one["properties"][key].is_null(),
				_ => value.is_null() == (one["type"] == "null"),
			});
			return check(&fitting.unwrap_or_else(|| panic!("{at}: none of {several:?}")), value, at);
		}
		let types = match &schema["type"] {
			Value::Array(types) => types.clone(),
			one => vec![one.clone()],
		};
		let name = match value {
			Value::Null => "null",
			Value::Bool(_) => "boolean",
			Value::Number(number) if number.is_f64() && !types.contains(&"integer".into()) => "number",
			Value::Number(_) if types.contains(&"number".into()) => "number",
			Value::Number(_) => "integer",
			Value::String(_) => "string",
			Value::Array(_) => "array",
			Value::Object(_) => "object",
		};
		assert!(types.contains(&name.into()), "{at}: {value} is no {types:?}");
		if let Value::Array(values) = value {
			values.iter().for_each(|value| check(&schema["items"], value, at));
		}
		if let (Value::Object(fields), Some(properties)) = (value, schema["properties"].as_object()) {
			let given: BTreeSet<&String> = fields.keys().collect();
			let known: BTreeSet<&String> = properties.keys().collect();
			assert_eq!(given, known, "{at}");
			for (name, value) in fields {
				check(&properties[name], value, &format!("{at}.{name}"));
			}
		}
	}

	fn is_described(name: &str, example: impl Serialize) {
		let schema = serde_json::json!({ "$ref": format!("#/components/schemas/{name}") });
		check(&schema, &serde_json::to_value(example).unwrap(), name);
	}

	#[test]
	fn what_is_sent_is_what_is_described() {
		let key = Key::from_uri("//Alice").unwrap();
		let account = key.account();
		let price = primitives::inference::Price { per_request: 1, per_mmac: 2 };
		let tensor = api::Tensor { dtype: oda_evaluator::graph::DType::I8, shape: vec![2], bytes: 2 };
		let model = api::ServedModel {
			model: [1; 32],
			version: 1,
			weights: [2; 32],
			score: -3,
			price,
			macs: 4,
			inputs: vec![tensor.clone()],
			outputs: vec![tensor],
			card: Some(serde_json::json!({ "title": "x" })),
			limits: api::Limits { max_count: 5, max_body: 6 },
		};
		let models = vec![model.clone(), api::ServedModel { card: None, ..model }];
		let terms = api::Terms { grace: 1, answer: 2 };
		let (provider, receipt_key) = (AccountId([1; 32]), account);
		is_described("Models", api::Models { genesis: [0; 32], provider, receipt_key, terms, models });
		is_described("QuoteRequest", api::QuoteRequest { model: [1; 32], count: 1 });
		is_described("Quote", api::Quote { model: [1; 32], version: 1, price: 7 });
		let inputs = vec![
			api::Input::Png(vec![1]),
			api::Input::Bytes(vec![2]),
			api::Input::Numbers(vec![1.5]),
			api::Input::Tensor(vec![3]),
		];
		is_described("InferRequest", api::InferRequest { model: [1; 32], inputs });
		let receipt = primitives::Receipt {
			payment: primitives::Payment::Channel(7),
			request: [1; 32],
			weights: [2; 32],
			input: [3; 32],
			output: [4; 32],
			count: 1,
			price: 2,
			nonce: 3,
			expires: 4,
		};
		let answer = api::Answer {
			output: vec![1],
			class: Some(1),
			label: Some("x".to_owned()),
			scores: Some(vec![-1]),
		};
		let signature = api::Signature::of(b"", &key);
		let (answers, input) = (vec![answer], vec![1]);
		let (model, version) = ([1; 32], 0);
		is_described("InferAnswer", api::InferAnswer { model, version, answers, receipt, signature, input });
		let voucher = primitives::Voucher { channel: 1, version: 2, amount: 3, nonce: 4 };
		let last = Some(api::SignedVoucher { voucher, signature });
		is_described("ChannelState", api::ChannelState { channel: 1, spent: 2, last, nonce: 3 });
		is_described("ChannelState", api::ChannelState { channel: 1, spent: 2, last: None, nonce: 3 });
		let closing = primitives::Closing { channel: 1, version: 2, amount: 3, expires: 4 };
		is_described("SignedClosing", api::SignedClosing { closing, signature });
		is_described("CloseAnswer", api::CloseAnswer { signature });
		is_described("Problem", api::Problem::new(ProblemKind::Busy, "why"));
	}

	#[test]
	fn what_a_body_may_have_is_all_that_it_may_have() {
		let all = description();
		for name in [
			"QuoteRequest",
			"InferRequest",
			"InputPng",
			"InputBytes",
			"InputNumbers",
			"InputTensor",
			"SignedClosing",
			"Closing",
			"SignedVoucher",
			"Voucher",
		] {
			assert_eq!(all["components"]["schemas"][name]["additionalProperties"], false, "{name}");
		}
	}

	#[test]
	fn every_schema_that_is_named_is_there() {
		let all = description();
		let mut rest = vec![&all];
		while let Some(value) = rest.pop() {
			if let Some(name) = value["$ref"].as_str() {
				let name = name.strip_prefix("#/components/schemas/").unwrap();
				assert!(all["components"]["schemas"][name].is_object(), "{name}");
			}
			match value {
				Value::Object(fields) => rest.extend(fields.values()),
				Value::Array(values) => rest.extend(values),
				_ => {}
			}
		}
	}
	#[test]
	fn a_number_of_32_bits_needs_no_sign() {
		let all = description();
		for name in ["Version", "Count"] {
			let number = &all["components"]["schemas"][name];
			assert_eq!((&number["type"], &number["format"]), (&"integer".into(), &"int64".into()), "{name}");
			assert_eq!(number["maximum"], u32::MAX, "{name}");
		}
	}

	#[test]
	fn a_link_names_an_operation_and_parameters_that_it_has() {
		let all = description();
		let operations: Vec<&Value> = all["paths"]
			.as_object()
			.unwrap()
			.values()
			.flat_map(|path| path.as_object().unwrap().values())
			.collect();
		let links = operations.iter().filter_map(|from| from["responses"]["200"]["links"].as_object());
		let links: Vec<&Value> = links.flat_map(|links| links.values()).collect();
		assert_eq!(links.len(), 5);
		for link in links {
			let to = operations.iter().find(|to| to["operationId"] == link["operationId"]);
			let known = to.unwrap_or_else(|| panic!("{link}"))["parameters"].as_array().unwrap();
			for name in link["parameters"].as_object().unwrap().keys() {
				assert!(known.iter().any(|parameter| parameter["name"] == **name), "{link}");
			}
		}
	}
}
