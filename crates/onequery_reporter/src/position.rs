//! Lines and columns: where a span of bytes is, in the units that people and formats count in.

use std::cell::OnceCell;
use std::ops::Range;

use line_index::{LineIndex, TextSize, WideEncoding};
use onequery_core::{FileId, Location, Sources, Span};

/// What the columns of a format count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// Bytes of UTF-8.
    Bytes,
    /// Code units of UTF-16, as in Java and JavaScript.
    Utf16,
    /// Unicode code points, which is what people and editors count.
    CodePoints,
}

/// The lines of all files, indexed when first asked for: most files of a run have no finding.
pub struct Positions<'a> {
    sources: &'a Sources,
    lines: PerFile<LineIndex>,
}

/// Something about each file, computed when first asked for.
pub(crate) struct PerFile<T>(Vec<OnceCell<T>>);

impl<T> PerFile<T> {
    pub(crate) fn new(sources: &Sources) -> Self {
        Self(sources.0.iter().map(|_| OnceCell::new()).collect())
    }

    pub(crate) fn get(&self, file: FileId, compute: impl FnOnce() -> T) -> &T {
        self.0[file.index()].get_or_init(compute)
    }
}

/// A span in lines and columns, 1-based, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file's path, relative to the project root.
    pub path: &'a str,
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// The line on which it ends.
    pub end_line: u32,
    /// The column behind its last character.
    pub end_column: u32,
}

impl<'a> Positions<'a> {
    /// The positions in all files of a run.
    #[must_use]
    pub fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            lines: PerFile::new(sources),
        }
    }

    pub(crate) fn path(&self, file: FileId) -> &'a str {
        &self.sources.get(file).path
    }

    pub(crate) fn text(&self, file: FileId) -> &'a str {
        &self.sources.get(file).text
    }

    /// The lines of a file.
    #[must_use]
    pub fn lines(&self, file: FileId) -> &LineIndex {
        self.lines.get(file, || LineIndex::new(self.text(file)))
    }

    /// The part of a location that exists, widened to whole characters. A file that could not be read has an empty
    /// text, and then every location is its beginning.
    fn fit(&self, location: Location) -> Location {
        let text = self.text(location.file);
        let start = text.floor_char_boundary(location.span.start as usize);
        let end = text.ceil_char_boundary((location.span.end as usize).min(text.len()));
        Location::new(location.file, Span::new(offset(start), offset(end)))
    }

    /// The part of a location on its first line, without the line's end.
    ///
    /// GitHub shows an alert in a pull request only where the whole region was changed, and a region of one line has
    /// the best chance. In text, an excerpt of the first line says enough.
    pub(crate) fn first_line(&self, location: Location) -> Location {
        let Location { file, span } = self.fit(location);
        let line = span.text(self.text(file)).split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        Location::new(file, Span::new(span.start, span.start + offset(line.len())))
    }

    /// The bytes of a line by its 1-based number, without its end; nothing where there is no such line.
    pub(crate) fn line(&self, file: FileId, number: u32) -> Option<Range<usize>> {
        let range = Range::<usize>::from(self.lines(file).line(number.checked_sub(1)?)?);
        let line = self.text(file)[range.clone()].trim_end_matches(['\n', '\r']);
        Some(range.start..range.start + line.len())
    }

    /// Lines and columns of a location for people.
    #[must_use]
    pub fn place(&self, location: Location) -> Place<'a> {
        self.place_in(Units::CodePoints, location)
    }

    /// Lines and columns of a location in the given units.
    #[must_use]
    pub fn place_in(&self, units: Units, location: Location) -> Place<'a> {
        let Location { file, span } = self.fit(location);
        let lines = self.lines(file);
        let number = |offset: u32| {
            let utf8 = lines.line_col(TextSize::new(offset));
            let wide = |encoding| {
                lines
                    .to_wide(encoding, utf8)
                    .expect("wide columns are never beyond byte columns")
                    .col
            };
            let column = match units {
                Units::Bytes => utf8.col,
                Units::Utf16 => wide(WideEncoding::Utf16),
                Units::CodePoints => wide(WideEncoding::Utf32),
            };
            (utf8.line + 1, column + 1)
        };
        let ((line, column), (end_line, end_column)) = (number(span.start), number(span.end));
        Place {
            path: self.path(file),
            line,
            column,
            end_line,
            end_column,
        }
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("files above 4 GiB are refused before they are read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Project;

    /// Line and column of the start and the end, as `1:2-3:4`.
    fn check_place(text: &str, span: (u32, u32), units: Units, expected: &str) {
        let project = Project::new(&[("a.py", text)]);
        let positions = Positions::new(&project.sources);
        let place = positions.place_in(units, Location::new(FileId(0), Span::new(span.0, span.1)));
        let Place {
            line,
            column,
            end_line,
            end_column,
            ..
        } = place;
        assert_eq!(
            format!("{line}:{column}-{end_line}:{end_column}"),
            expected,
            "{text:?} {span:?}"
        );
    }

    fn check_first_line(text: &str, span: (u32, u32), expected: (u32, u32)) {
        let project = Project::new(&[("a.py", text)]);
        let positions = Positions::new(&project.sources);
        let clipped = positions
            .first_line(Location::new(FileId(0), Span::new(span.0, span.1)))
            .span;
        assert_eq!((clipped.start, clipped.end), expected, "{text:?} {span:?}");
    }

    #[test]
    fn columns_count_characters_utf16_units_or_bytes() {
        // é is two bytes and one unit, the emoji is four bytes and two units.
        let text = "é = '\u{1F600}' + x";
        check_place(text, (14, 15), Units::CodePoints, "1:11-1:12");
        check_place(text, (14, 15), Units::Utf16, "1:12-1:13");
        check_place(text, (14, 15), Units::Bytes, "1:15-1:16");
        check_place("\tx", (1, 2), Units::CodePoints, "1:2-1:3");
        check_place("a\r\nbc\r\n", (3, 5), Units::Utf16, "2:1-2:3");
        check_place("a\nb\n", (4, 4), Units::CodePoints, "3:1-3:1");
    }

    #[test]
    fn lines_are_found_by_their_number() {
        let project = Project::new(&[("a.py", "ab\r\n\nc")]);
        let positions = Positions::new(&project.sources);
        let lines = [0, 1, 2, 3, 4].map(|number| positions.line(FileId(0), number));
        assert_eq!(lines, [None, Some(0..2), Some(4..4), Some(5..6), None]);
    }

    #[test]
    fn a_span_outside_its_text_is_moved_into_it() {
        check_place("", (7, 9), Units::CodePoints, "1:1-1:1");
        check_place("ab", (1, 9), Units::CodePoints, "1:2-1:3");
        check_place("ab", (7, 9), Units::CodePoints, "1:3-1:3");
        // Half of an é becomes the whole of it.
        check_place("éé", (1, 3), Units::CodePoints, "1:1-1:3");
    }

    #[test]
    fn a_span_of_many_lines_is_cut_before_the_line_ends() {
        check_first_line("for x in y:\n    z\n", (0, 17), (0, 11));
        check_first_line("for x in y:\r\n    z\r\n", (0, 18), (0, 11));
        check_first_line("ab\n", (0, 2), (0, 2));
        check_first_line("ab\n", (2, 3), (2, 2));
        check_first_line("", (0, 5), (0, 0));
    }
}
