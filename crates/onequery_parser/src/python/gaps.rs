//! A text of which parts were left out, and where the rest of it stands in the file.

/// What is left of a file's text.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) text: String,
    pub(super) gaps: Gaps,
}

/// Where something was left out of a text.
#[derive(Default)]
pub(super) struct Gaps(Vec<Gap>);

struct Gap {
    /// The place in what is left.
    at: usize,
    /// Bytes that were left out up to here.
    n_left_out: usize,
}

impl Gaps {
    /// The text of a whole file.
    pub(super) const NONE: &Self = &Self(Vec::new());

    /// Where the byte stands in the file that something begins with.
    pub(super) fn start(&self, at: usize) -> usize {
        at + self.n_left_out(self.0.partition_point(|gap| gap.at <= at))
    }

    /// The same for what something ends before: a gap behind it is none of it.
    pub(super) fn end(&self, at: usize) -> usize {
        at + self.n_left_out(self.0.partition_point(|gap| gap.at < at))
    }

    /// Where a byte of the file stands in what is left of it.
    pub(super) fn kept(&self, place: usize) -> Option<usize> {
        let n_before = self.0.partition_point(|gap| gap.at + gap.n_left_out <= place);
        let at = place.checked_sub(self.n_left_out(n_before))?;
        self.0.get(n_before).is_none_or(|next| at < next.at).then_some(at)
    }

    fn n_left_out(&self, n_gaps: usize) -> usize {
        n_gaps.checked_sub(1).map_or(0, |last| self.0[last].n_left_out)
    }
}

impl Kept {
    /// Adds what is not left out.
    pub(super) fn keep(&mut self, part: &str) {
        self.text.push_str(part);
    }

    /// Leaves out the next bytes of the file.
    pub(super) fn leave_out(&mut self, n_bytes: usize) {
        let n_left_out = self.gaps.n_left_out(self.gaps.0.len()) + n_bytes;
        self.gaps.0.push(Gap {
            at: self.text.len(),
            n_left_out,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;

    #[test]
    fn what_is_left_stands_where_it_stood() {
        let mut kept = Kept::default();
        kept.keep("ab");
        kept.leave_out(3);
        kept.keep("fg");
        kept.leave_out(1);
        kept.keep("i");
        assert_eq!(kept.text, "abfgi");
        let starts: Vec<usize> = (0..5).map(|at| kept.gaps.start(at)).collect();
        assert_eq!(starts, [0, 1, 5, 6, 8]);
        let ends: Vec<usize> = (1..=5).map(|at| kept.gaps.end(at)).collect();
        assert_eq!(ends, [1, 2, 6, 7, 9]);
        let back: Vec<Option<usize>> = (0..9).map(|place| kept.gaps.kept(place)).collect();
        let (a, b, f, g, i) = (Some(0), Some(1), Some(2), Some(3), Some(4));
        assert_eq!(back, [a, b, None, None, None, f, g, None, i]);
    }
}
