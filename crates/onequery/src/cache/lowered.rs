//! Lowered files, by path and content.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use onequery_core::ir::FileIr;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::Cache;

/// Where they are.
pub(super) const FOLDER: &str = "lowered";

/// How many files they are spread over: a change rewrites one of them, and each thread reads some.
const SHARDS: usize = 64;

/// What a text is recognised by.
pub(crate) type TextHash = u128;

/// Recognises a text.
pub(crate) fn hash(text: &str) -> TextHash {
    xxh3_128(text.as_bytes())
}

/// The lowered files of one project.
pub(crate) struct LoweredFiles<'c> {
    cache: &'c Cache,
    shards: Vec<Shard>,
}

#[derive(Default)]
struct Shard {
    kept: OnceLock<Kept>,
    /// What this run lowered, by path.
    lowered: Mutex<BTreeMap<String, (TextHash, Vec<u8>)>>,
}

/// What earlier runs lowered.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// By path: the text's hash, and where the lowered file is.
    at: BTreeMap<String, (TextHash, Range<usize>)>,
}

/// What a shard begins with: its files in the order in which they follow.
#[derive(Serialize, Deserialize)]
struct Place<'p> {
    path: &'p str,
    text: TextHash,
    length: u32,
}

impl<'c> LoweredFiles<'c> {
    pub(crate) fn of(cache: &'c Cache) -> Self {
        let mut shards = Vec::new();
        shards.resize_with(SHARDS, Shard::default);
        Self { cache, shards }
    }

    fn shard(&self, path: &str) -> (usize, &Shard) {
        let ix = usize::try_from(xxh3_64(path.as_bytes()) % SHARDS as u64).unwrap_or_default();
        (ix, &self.shards[ix])
    }

    /// The lowered file of a path, if it was lowered from that text.
    pub(crate) fn get(&self, path: &str, text: TextHash) -> Option<FileIr> {
        let (ix, shard) = self.shard(path);
        let kept = shard.kept.get_or_init(|| {
            let bytes = self.cache.read(&name(ix)).unwrap_or_default();
            index(&bytes).map_or_else(Kept::default, |at| Kept { bytes, at })
        });
        let (known, range) = kept.at.get(path)?;
        (*known == text).then(|| postcard::from_bytes(&kept.bytes[range.clone()]).ok())?
    }

    /// Takes a file that was lowered anew.
    pub(crate) fn put(&self, path: &str, text: TextHash, ir: &FileIr) {
        if self.cache.folder.is_none() {
            return;
        }
        let Ok(bytes) = postcard::to_stdvec(ir) else {
            return;
        };
        let (_, shard) = self.shard(path);
        let mut lowered = shard.lowered.lock().unwrap_or_else(PoisonError::into_inner);
        lowered.insert(path.to_owned(), (text, bytes));
    }

    /// Keeps what was lowered anew, and what was kept of files that are still there.
    pub(crate) fn keep(self, is_there: &(dyn Fn(&str) -> bool + Sync)) {
        let cache = self.cache;
        self.shards.into_par_iter().enumerate().for_each(|(ix, shard)| {
            let lowered = shard.lowered.into_inner().unwrap_or_else(PoisonError::into_inner);
            if lowered.is_empty() {
                return;
            }
            let kept = shard.kept.into_inner().unwrap_or_default();
            let old = kept
                .at
                .iter()
                .filter(|(path, _)| !lowered.contains_key(*path) && is_there(path));
            let old = old.map(|(path, (text, range))| (path.as_str(), *text, &kept.bytes[range.clone()]));
            let new = lowered
                .iter()
                .map(|(path, (text, bytes))| (path.as_str(), *text, bytes.as_slice()));
            let all: Vec<(&str, TextHash, &[u8])> = old.chain(new).collect();
            let places: Option<Vec<Place<'_>>> = all
                .iter()
                .map(|&(path, text, bytes)| {
                    Some(Place {
                        path,
                        text,
                        length: u32::try_from(bytes.len()).ok()?,
                    })
                })
                .collect();
            let Some(Ok(mut payload)) = places.map(|places| postcard::to_stdvec(&places)) else {
                return;
            };
            payload.extend(all.iter().flat_map(|(_, _, bytes)| *bytes));
            cache.write(&name(ix), &payload);
        });
    }
}

/// The name of a shard's file.
fn name(shard: usize) -> String {
    format!("{FOLDER}/{shard:02x}")
}

/// Where a shard has which file.
fn index(bytes: &[u8]) -> Option<BTreeMap<String, (TextHash, Range<usize>)>> {
    let (places, rest) = postcard::take_from_bytes::<Vec<Place<'_>>>(bytes).ok()?;
    let mut start = bytes.len() - rest.len();
    let mut at = BTreeMap::new();
    for place in places {
        let end = start + place.length as usize;
        at.insert(place.path.to_owned(), (place.text, start..end));
        start = end;
    }
    (start == bytes.len()).then_some(at)
}

/// How many files a shard has; `None` for what is none.
pub(super) fn count(payload: &[u8]) -> Option<usize> {
    index(payload).map(|at| at.len())
}
