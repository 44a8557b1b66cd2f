//! Lists of whole numbers that grow: what one read returned mostly begins like what another did.
//!
//! A run is the longest list so far of those that begin alike; all others are a length in it. The
//! run's JSON is kept beside it, so that a list is recognized by comparing bytes, without parsing
//! it. A thousand reads of a list that grows to a thousand elements cost a thousand elements.

use std::collections::HashMap;

use super::{super::table::Spread, ValueId, offset};

/// Shorter lists are not worth a run.
const LENGTH_MIN: usize = 4;

/// Lists that part after a common beginning: beyond that many, they are no growing list.
const ALIKE_MAX: usize = 4;

/// No run yet.
const NONE: u32 = u32::MAX;

/// Longer lists are not shared: places in their text must fit.
const TEXT_MAX: usize = 1 << 31;

#[derive(Debug, Clone, Default)]
struct Run {
    elements: Vec<ValueId>,
    /// The elements as JSON without brackets: `7,8,12`.
    text: Vec<u8>,
    /// Where each element ends in the text.
    ends: Vec<u32>,
}

/// All runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    runs: Vec<Run>,
    /// By what stands before the list (in a micro-operation: its key) and its first element.
    alike: HashMap<(ValueId, ValueId), [u32; ALIKE_MAX], Spread>,
}

impl Runs {
    /// The first elements of a run.
    pub(super) fn list(&self, run: u32, length: u32) -> &[ValueId] {
        &self.runs[run as usize].elements[..length as usize]
    }

    /// Lays a list that stands behind this value into a run, as (run, length); the run may grow, or
    /// be a new one.
    pub(super) fn lay(&mut self, behind: ValueId, elements: &[ValueId]) -> Option<(u32, u32)> {
        if elements.len() < LENGTH_MIN || elements.iter().any(|id| id.as_small_integer().is_none())
        {
            return None;
        }
        let length = offset(elements.len());
        let alike = self.alike.entry((behind, elements[0])).or_insert([NONE; ALIKE_MAX]);
        for &number in alike.iter().take_while(|&&number| number != NONE) {
            let run = &mut self.runs[number as usize];
            if run.elements.starts_with(elements) {
                return Some((number, length));
            }
            if elements.starts_with(&run.elements) && run.text.len() < TEXT_MAX {
                let known = run.elements.len();
                run.extend(&elements[known..]);
                return Some((number, length));
            }
        }
        let free = alike.iter_mut().find(|number| **number == NONE)?;
        let number = offset(self.runs.len());
        *free = number;
        let mut run = Run::default();
        run.extend(elements);
        self.runs.push(run);
        Some((number, length))
    }

    /// Takes another one's runs in, given what its values are here; says by number what each one is
    /// here: none if too many lists begin like it.
    pub(super) fn adopt(&mut self, other: &Self, places: &[ValueId]) -> Vec<Option<u32>> {
        let mut here = vec![None; other.runs.len()];
        for ((behind, _), numbers) in &other.alike {
            for &number in numbers.iter().take_while(|&&number| number != NONE) {
                let laid = self.lay(behind.at_home(places), &other.runs[number as usize].elements);
                here[number as usize] = laid.map(|(run, _)| run);
            }
        }
        here
    }

    /// Finds a list by its text, from behind its bracket on: as (run, length, bytes of the text with
    /// the closing bracket). The run may grow.
    pub(super) fn lay_text(&mut self, behind: ValueId, text: &[u8]) -> Option<(u32, u32, usize)> {
        let (first, _) = number(text)?;
        let alike = self.alike.get(&(behind, first))?;
        for &place in alike.iter().take_while(|&&number| number != NONE) {
            let run = &mut self.runs[place as usize];
            let common = common_length(&run.text, text);
            match text.get(common) {
                Some(b']') => {
                    if let Ok(before) = run.ends.binary_search(&(common as u32)) {
                        return Some((place, before as u32 + 1, common + 1));
                    }
                }
                Some(b',') if common == run.text.len() && common < TEXT_MAX => {
                    let bytes = run.grow(text, common)?;
                    return Some((place, offset(run.elements.len()), bytes));
                }
                _ => {}
            }
        }
        None
    }
}

impl Run {
    fn extend(&mut self, elements: &[ValueId]) {
        for &element in elements {
            self.push(element);
        }
    }

    fn push(&mut self, element: ValueId) {
        let number = element.as_small_integer().expect("runs hold small whole numbers");
        if !self.text.is_empty() {
            self.text.push(b',');
        }
        self.text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.ends.push(offset(self.text.len()));
        self.elements.push(element);
    }

    /// Takes what follows the run's own text, if it is whole numbers up to a bracket.
    fn grow(&mut self, text: &[u8], mut at: usize) -> Option<usize> {
        let mut more: Vec<ValueId> = Vec::new();
        while text.get(at) == Some(&b',') {
            let (element, length) = number(&text[at + 1..])?;
            more.push(element);
            at += 1 + length;
        }
        if text.get(at) != Some(&b']') {
            return None;
        }
        self.extend(&more);
        Some(at + 1)
    }
}

/// A small whole number as JSON writes it, and the length of its text.
fn number(text: &[u8]) -> Option<(ValueId, usize)> {
    let length = text.iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || length > 10 || (length > 1 && text[0] == b'0') {
        return None;
    }
    let value = text[..length].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
    ValueId::small_integer(value).map(|id| (id, length))
}

/// How many bytes two texts have in common at their beginning.
fn common_length(one: &[u8], other: &[u8]) -> usize {
    const WORD: usize = 32;
    let words = one.chunks_exact(WORD).zip(other.chunks_exact(WORD));
    let alike = words.take_while(|(one, other)| one == other).count() * WORD;
    let rest = one[alike..].iter().zip(&other[alike..]);
    alike + rest.take_while(|(one, other)| one == other).count()
}
