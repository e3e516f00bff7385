//! Compiled patterns, kept for a while, and the limit on their work.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind};

use super::call::Answer;
use super::fault::Fault;

/// The most bytes of a pattern.
const PATTERN_BYTES: usize = 1_000;
/// The most bytes of a compiled pattern.
const COMPILED_BYTES: usize = 256 * 1024;
/// The most places of a pattern: letters and classes, with repetitions counted out.
const PLACES: usize = 1_000;
/// How many patterns a thread keeps.
const KEPT: usize = 32;
/// The most work of one call: bytes that are left to search at each search, times places of the pattern.
///
/// A single search is linear in the text. The search for every find is not: each may read to the end of the text again.
/// In a release build the worst of nine patterns written against this limit took 0.07 s.
const WORK: usize = 16 * 1024 * 1024;

/// A pattern that is ready to search.
pub(super) struct Compiled {
    pub(super) regex: Regex,
    places: usize,
}

/// The work that is left to one call.
pub(super) struct Work<'a> {
    pattern: &'a Compiled,
    bytes: usize,
    left: usize,
}

thread_local! {
    static CACHE: RefCell<Cache> = const { RefCell::new(Cache::new()) };
}

struct Cache {
    patterns: BTreeMap<String, (u64, Rc<Compiled>)>,
    uses: u64,
}

impl Cache {
    const fn new() -> Self {
        Self { patterns: BTreeMap::new(), uses: 0 }
    }

    fn get(&mut self, pattern: &str) -> Answer<Rc<Compiled>> {
        self.uses = self.uses.saturating_add(1);
        if let Some((used, compiled)) = self.patterns.get_mut(pattern) {
            *used = self.uses;
            return Ok(Rc::clone(compiled));
        }
        let compiled = Rc::new(Compiled::new(pattern)?);
        if self.patterns.len() >= KEPT {
            let oldest = self.patterns.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(pattern, _)| pattern.clone()) {
                self.patterns.remove(&oldest);
            }
        }
        self.patterns.insert(pattern.to_owned(), (self.uses, Rc::clone(&compiled)));
        Ok(compiled)
    }
}

/// The compiled form of a pattern.
pub(super) fn of(pattern: &str) -> Answer<Rc<Compiled>> {
    CACHE.with_borrow_mut(|cache| cache.get(pattern))
}

/// Lets go of every pattern that this thread has compiled, so that the next script starts with none.
pub fn forget_patterns() {
    CACHE.set(Cache::new());
}

impl Compiled {
    fn new(pattern: &str) -> Answer<Self> {
        if pattern.len() > PATTERN_BYTES {
            return Err(Fault::TooLong {
                what: "pattern",
                found: pattern.len(),
                limit: PATTERN_BYTES,
            });
        }
        let refused = |reason: &str| Fault::Pattern {
            pattern: pattern.to_owned(),
            reason: reason.to_owned(),
        };
        let pattern = &dotnet_escapes(pattern);
        let parsed = regex_syntax::ParserBuilder::new().nest_limit(50).build().parse(pattern);
        let parsed = parsed.map_err(|error| refused(&last_line(&error.to_string())))?;
        let places = places(&parsed);
        if places > PLACES {
            return Err(refused("it is too large: repeat fewer times, or use fewer alternatives"));
        }
        let regex = RegexBuilder::new(pattern)
            .size_limit(COMPILED_BYTES)
            .dfa_size_limit(COMPILED_BYTES)
            .nest_limit(50)
            .build()
            .map_err(|_too_big| {
                refused("it is too large: repeat fewer times, or use [a-z] for \\w")
            })?;
        Ok(Self { regex, places })
    }

    /// The number of the group that a script named.
    pub(super) fn group(&self, name: &str) -> Answer<usize> {
        let numbered = name.parse().ok().filter(|number| *number < self.regex.captures_len());
        let named = || self.regex.capture_names().position(|known| known == Some(name));
        numbered.or_else(named).ok_or_else(|| Fault::Pattern {
            pattern: self.regex.as_str().to_owned(),
            reason: format!("it has no group {name:?}"),
        })
    }

    /// The first group, or the whole find where there is none.
    pub(super) fn first_group(&self) -> usize {
        usize::from(self.regex.captures_len() > 1)
    }

    /// Sets out to search a text once.
    pub(super) fn work(&self, text: &str) -> Answer<Work<'_>> {
        let mut work = Work { pattern: self, bytes: text.len(), left: WORK };
        work.again(0)?;
        Ok(work)
    }
}

impl Work<'_> {
    /// Sets out to search the text once more, from this byte on.
    pub(super) fn again(&mut self, from: usize) -> Answer<()> {
        let bytes = self.bytes.saturating_sub(from);
        let work = bytes.saturating_mul(self.pattern.places);
        self.left = self.left.checked_sub(work).ok_or_else(|| Fault::Work {
            pattern: self.pattern.regex.as_str().to_owned(),
            bytes: self.bytes,
        })?;
        Ok(())
    }
}

/// How many places of a pattern a search may be at, at once.
fn places(pattern: &Hir) -> usize {
    // A class of letters outside ASCII is searched byte by byte, in up to four places.
    const CLASS: usize = 4;
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(_) => CLASS,
        HirKind::Capture(capture) => places(&capture.sub),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            places(&repetition.sub).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(places).fold(0, usize::saturating_add)
        }
    }
}

/// .NET reads `\<` and `\>` as the letters; here they would mean the edges of words.
fn dotnet_escapes(pattern: &str) -> String {
    let mut result = String::with_capacity(pattern.len());
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            result.push(letter);
            continue;
        }
        match letters.next() {
            Some(angle @ ('<' | '>')) => result.push(angle),
            Some(other) => result.extend([letter, other]),
            None => result.push(letter),
        }
    }
    result
}

/// The reason at the end of the engine's drawing of a faulty pattern.
fn last_line(text: &str) -> String {
    let last = text.lines().next_back().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
