//! "Did you mean": the known names that are closest to an unknown one.

/// Longest name that is compared, in bytes. What is longer is no slip of the finger.
const NAME_BYTES_MAX: usize = 200;

/// At most `max` of `known` that are similar to `name`, nearest first.
///
/// Similar means that at most a third of the characters, and at least one, must be changed.
pub(crate) fn nearest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    max: usize,
) -> Vec<&'a str> {
    if name.len() > NAME_BYTES_MAX {
        return Vec::new();
    }
    let allowed = (name.chars().count() / 3).max(1);
    let mut similar: Vec<(usize, &str)> = known
        .into_iter()
        .filter(|known| known.len() <= NAME_BYTES_MAX)
        .map(|known| (distance(name, known), known))
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    similar.sort();
    similar.dedup();
    similar.into_iter().take(max).map(|(_, known)| known).collect()
}

/// How many characters must be put in, taken out, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let (mut before_last, mut last): (Vec<usize>, Vec<usize>) =
        (Vec::new(), (0..=b.len()).collect());
    let mut previous_a = None;
    for (row, a) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        let mut previous_b = None;
        for (column, b) in b.iter().copied().enumerate() {
            let at =
                |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let change = at(&last, column) + usize::from(a != b);
            let mut best = change.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            if previous_a == Some(b) && previous_b == Some(a) && column > 0 {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
            previous_b = Some(b);
        }
        previous_a = Some(a);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_recognised() {
        let known = ["format", "name", "version", "wit", "world", "library", "vendor"];
        assert_eq!(nearest("libary", known, 1), ["library"]);
        assert_eq!(nearest("wrold", known, 1), ["world"]);
        assert_eq!(nearest("naem", known, 1), ["name"]);
        assert_eq!(nearest("colour", known, 1), Vec::<&str>::new());
        assert_eq!(nearest(&"x".repeat(10_000), known, 1), Vec::<&str>::new());
    }

    #[test]
    fn the_distance_is_that_of_the_textbooks() {
        for (a, b, expected) in [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("ab", "ba", 1),
            ("x", "x", 0),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
