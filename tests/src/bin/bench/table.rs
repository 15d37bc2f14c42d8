//! Tables in Markdown, aligned so that they can be read on a terminal.

/// Rows of cells; the first row is the heading.
pub(crate) fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| cell(row, column).chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &[String]| {
        let cells = widths.iter().enumerate().map(|(column, width)| {
            let text = cell(row, column);
            format!(" {text:<width$} |")
        });
        format!("|{}\n", cells.collect::<String>())
    };
    let rule = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2)));
    let mut lines = rows.iter().map(|row| line(row));
    let heading = lines.next().unwrap_or_default();
    format!("{heading}|{}\n{}", rule.collect::<String>(), lines.collect::<String>())
}
