//! The manifest of a packed bundle: the author's, with what packing knows put in.
//!
//! The author's text is edited, not written anew, so that comments and order survive.

use super::super::manifest::{FILE, FORMAT};
use super::super::path::RelativePath;
use super::PackError;
use toml::de::{DeTable, DeValue};

/// What a manifest needs besides the author's text.
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) target: &'a str,
    /// Where the library goes, unless the text says it.
    pub(super) library: &'a RelativePath,
    /// Where the vendor libraries go, unless the text lists them.
    pub(super) vendor: &'a [RelativePath],
}

/// A manifest for an author who wrote none.
pub(super) fn from_nothing(known: &Known<'_>) -> String {
    let Known { name, version, target, library, .. } = known;
    let vendor = vendor_line(known.vendor);
    format!(
        "format = {FORMAT}\nname = {}\nversion = {}\n{vendor}\n[library]\n{target} = {}\n",
        quoted(name),
        quoted(version),
        quoted(library.as_str()),
    )
}

/// `text` with an entry for the library and the vendor libraries.
pub(super) fn complete(text: &str, known: &Known<'_>) -> Result<String, PackError> {
    let unedited = || {
        PackError::Manifest(format!(
            "{FILE}: to have its entry put in, [library] must be a table of its own, and `format` must \
         be there"
        ))
    };
    let document = DeTable::parse(text)
        .map_err(|error| PackError::Manifest(format!("{FILE}: {}", error.message())))?;
    let document = document.get_ref();
    let mut edited = text.to_owned();
    let library = document.get("library").map(|library| library.get_ref());
    let entry = format!("{} = {}\n", known.target, quoted(known.library.as_str()));
    match library {
        None => {
            if !edited.ends_with('\n') {
                edited.push('\n');
            }
            edited.push_str(&format!("\n[library]\n{entry}"));
        }
        Some(DeValue::Table(table)) if table.contains_key(known.target) => {}
        Some(_) => {
            let is_header =
                |line: &str| line.split('#').next().is_some_and(|l| l.trim() == "[library]");
            let mut offset = 0;
            let after = text.split_inclusive('\n').find_map(|line| {
                offset += line.len();
                is_header(line).then_some(offset)
            });
            let after = after.filter(|after| text.get(..*after).is_some_and(|t| t.ends_with('\n')));
            edited.insert_str(after.ok_or_else(unedited)?, &entry);
        }
    }
    if !known.vendor.is_empty() && !document.contains_key("vendor") {
        // A number ends on its line, and top-level keys stand before all tables, so the end of
        // this line is a place for another one.
        let format = document.get("format").ok_or_else(unedited)?.span().end;
        let rest = edited.get(format..).ok_or_else(unedited)?;
        let line_end = format + rest.find('\n').map_or(rest.len(), |end| end + 1);
        edited.insert_str(line_end, &vendor_line(known.vendor));
    }
    Ok(edited)
}

fn vendor_line(vendor: &[RelativePath]) -> String {
    if vendor.is_empty() {
        return String::new();
    }
    let paths: Vec<_> = vendor.iter().map(|path| quoted(path.as_str())).collect();
    format!("vendor = [{}]\n", paths.join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::bundle::manifest::Manifest;

    fn completed(text: Option<&str>, vendor: &[&str]) -> String {
        let library = RelativePath::new("lib/libx.so").unwrap();
        let vendor: Vec<_> = vendor.iter().map(|path| RelativePath::new(path).unwrap()).collect();
        let known = Known {
            name: "x",
            version: "1.2.3",
            target: "x86_64-unknown-linux-gnu",
            library: &library,
            vendor: &vendor,
        };
        let edited = match text {
            Some(text) => complete(text, &known).unwrap(),
            None => from_nothing(&known),
        };
        let manifest = Manifest::parse(&edited).unwrap();
        assert_eq!(manifest.vendor, vendor);
        assert!(manifest.library.contains_key("x86_64-unknown-linux-gnu"));
        edited
    }

    #[test]
    fn a_manifest_is_written_where_there_is_none() {
        assert_eq!(
            completed(None, &["lib/libv.so.1"]),
            "format = 1\nname = \"x\"\nversion = \"1.2.3\"\nvendor = [\"lib/libv.so.1\"]\n\n\
             [library]\nx86_64-unknown-linux-gnu = \"lib/libx.so\"\n"
        );
    }

    #[test]
    fn comments_and_other_targets_survive() {
        let text = "# mine\nformat = 1 # the first\nname = 'n'\nversion = '1.0.0'\n\n\
                    [library] # per target\naarch64-unknown-linux-gnu = 'lib/a.so'\n\n[config.k]\n";
        let edited = completed(Some(text), &["lib/v.so"]);
        assert_eq!(
            edited,
            "# mine\nformat = 1 # the first\nvendor = [\"lib/v.so\"]\nname = 'n'\n\
             version = '1.0.0'\n\n[library] # per target\n\
             x86_64-unknown-linux-gnu = \"lib/libx.so\"\n\
             aarch64-unknown-linux-gnu = 'lib/a.so'\n\n[config.k]\n"
        );
    }

    #[test]
    fn a_missing_library_table_is_added_at_the_end() {
        let text = "format = 1\nname = 'n'\nversion = '1.0.0'\n[config.k]";
        assert!(
            completed(Some(text), &[])
                .ends_with("[config.k]\n\n[library]\nx86_64-unknown-linux-gnu = \"lib/libx.so\"\n")
        );
    }
}
