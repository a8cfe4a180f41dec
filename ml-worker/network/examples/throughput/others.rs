//! Other programs: rqbit, and curl with nginx.

use crate::{
	process::{Sender, free_port, wait_for},
	subject::Bench,
};
use std::{
	fs,
	path::{Path, PathBuf},
	process::Command,
	time::Duration,
};

fn rqbit_command() -> Command {
	let mut command = Command::new(std::env::var_os("RQBIT").unwrap_or_else(|| "rqbit".into()));
	command.args(["-v", "error", "--disable-dht", "--disable-lsd", "--disable-trackers"]);
	command.args(["--disable-upnp-port-forward", "--listen-ip", "127.0.0.1"]);
	command
}

fn get(url: &str) -> Option<Vec<u8>> {
	let got = Command::new("curl").args(["--silent", "--fail", url]).output().unwrap();
	got.status.success().then_some(got.stdout)
}

/// Seeders that have checked their file, and a downloader that is told of them.
pub(crate) fn rqbit(bench: &Bench, to: &Path, sources: usize) -> (Vec<Sender>, Command, PathBuf) {
	let torrent = to.join("blob.torrent");
	let (senders, peers): (Vec<_>, Vec<_>) = (0..sources)
		.map(|_| {
			let (listen, api) = (free_port(), free_port());
			let mut command = rqbit_command();
			command.args(["--listen-port", &listen.to_string()]);
			command.args(["--http-api-listen-addr", &format!("127.0.0.1:{api}"), "share"]).arg(&bench.file);
			let sender = Sender::start(&mut command);
			wait_for(api);
			let url = format!("http://127.0.0.1:{api}/torrents/0");
			let finished =
				|| get(&format!("{url}/stats/v1")).map(String::from_utf8).unwrap_or(Ok(String::new()));
			while !finished().unwrap().contains("\"finished\":true") {
				std::thread::sleep(Duration::from_millis(100));
			}
			fs::write(&torrent, get(&format!("{url}/metadata")).unwrap()).unwrap();
			(sender, format!("127.0.0.1:{listen}"))
		})
		.unzip();
	let mut receiver = rqbit_command();
	receiver.args(["--disable-tcp-listen", "download", "--disable-http-api", "--exit-on-finish"]);
	receiver.args(["--initial-peers", &peers.join(",")]).arg("--output-folder").arg(to).arg(&torrent);
	(senders, receiver, to.join("blob.bin"))
}

/// nginx as one process, and curl.
pub(crate) fn curl(bench: &Bench, to: &Path) -> (Vec<Sender>, Command, PathBuf) {
	let (port, dir) = (free_port(), to.display());
	let (certificate, key) = (bench.certificate.display(), bench.key.display());
	let root = bench.dir.path().display();
	let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
		.map(|path| format!("{path}_temp_path {dir}/{path};"))
		.join(" ");
	let text = format!(
		"daemon off; master_process off; pid {dir}/nginx.pid; error_log stderr; events {{}}\n\
		 http {{ access_log off; sendfile on; {paths}\n\
		 server {{ listen 127.0.0.1:{port} ssl; root {root}; ssl_protocols TLSv1.3;\n\
		 ssl_certificate {certificate}; ssl_certificate_key {key}; }} }}\n"
	);
	let config = to.join("nginx.conf");
	fs::write(&config, text).unwrap();
	let sender = Sender::start(Command::new("/usr/sbin/nginx").args(["-e", "stderr", "-c"]).arg(&config));
	wait_for(port);
	let mut receiver = Command::new("curl");
	receiver.args(["--silent", "--show-error", "--fail", "--cacert"]).arg(&bench.certificate);
	let result = to.join("blob.bin");
	receiver.arg("--output").arg(&result).arg(format!("https://localhost:{port}/blob.bin"));
	receiver.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
	(vec![sender], receiver, result)
}
