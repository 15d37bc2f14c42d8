//! Trees within trees.

use protocol::policy::Tree;
use std::path::Path;

/// The trees without those that another already allows, outer ones first.
///
/// A writable tree within a readable one stays; a readable one within a writable one adds nothing.
pub(super) fn merged(mut trees: Vec<Tree>) -> Vec<Tree> {
    trees.sort_by(|a, b| Path::new(&a.path).cmp(Path::new(&b.path)).then(b.access.cmp(&a.access)));
    let mut kept: Vec<Tree> = Vec::new();
    for tree in trees {
        let allows = |outer: &Tree| {
            outer.access >= tree.access && Path::new(&tree.path).starts_with(&outer.path)
        };
        if !kept.iter().any(allows) {
            kept.push(tree);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::policy::Access;
    use protocol::policy::Access::{Read, Write};

    fn of(trees: &[(&str, Access)]) -> Vec<Tree> {
        trees.iter().map(|(path, access)| Tree { path: (*path).into(), access: *access }).collect()
    }

    #[test]
    fn trees_within_trees_are_kept_only_where_they_allow_more() {
        let trees = of(&[
            ("/a/b/c", Write),
            ("/a", Read),
            ("/a/b", Read),
            ("/a", Read),
            ("/ab", Read),
            ("/w/x", Read),
            ("/w", Write),
            ("/r", Read),
            ("/r", Write),
        ]);
        let wanted =
            of(&[("/a", Read), ("/a/b/c", Write), ("/ab", Read), ("/r", Write), ("/w", Write)]);
        assert_eq!(merged(trees), wanted);
    }
}
