//! Short forms of what is long, for people. Machines get all of it.

use oda_client::AccountId;

/// The first characters of an account's address.
pub fn account(account: &AccountId) -> String {
	account.to_string().chars().take(8).chain(['…']).collect()
}

/// The first digits of a model's id or a blob's root, by which commands take it.
pub fn digits(id: &[u8; 32]) -> String {
	format!("0x{}", hex::encode(&id[..6]))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn short_forms_are_the_first_digits() {
		assert_eq!(digits(&[0xab; 32]), "0xabababababab");
		let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".parse().unwrap();
		assert_eq!(account(&alice), "5GrwvaEF…");
	}
}
