//! The repository's pages, for tests that hold what they show against what the worker takes.

use std::{fs, path::Path};

/// All pages in Markdown, with their paths.
pub(crate) fn pages() -> Vec<(String, String)> {
	let mut pages = Vec::new();
	collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), &mut pages);
	assert!(pages.len() > 20, "{} pages", pages.len());
	pages
}

fn collect(folder: &Path, pages: &mut Vec<(String, String)>) {
	for entry in fs::read_dir(folder).unwrap() {
		let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
		let name = name.to_string_lossy();
		if path.is_dir() && !name.starts_with('.') && !matches!(&*name, "target" | "node_modules") {
			collect(&path, pages);
		} else if name.ends_with(".md") {
			pages.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
		}
	}
}

/// What is between the fences of a language.
pub(crate) fn fences<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
	let begin = format!("```{language}\n");
	page.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect()
}
