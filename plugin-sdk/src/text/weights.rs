//! Numbers by text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

/// A number for each of many texts: weights or odds of n-grams. Written down as the map that it is made of.
///
/// A text is looked for by its first eight bytes, as one number, and compared with those alone that begin with them. In a sandbox
/// comparing texts is a call and a loop, and a map makes some twenty of them where this makes one or two.
///
/// ```
/// use std::collections::BTreeMap;
/// use realign_plugin::text::Weights;
///
/// let weights = Weights::from(BTreeMap::from([("thank you".to_owned(), 0.5), ("thank your".to_owned(), 2.0)]));
/// assert_eq!((weights.get("thank you"), weights.get("thank")), (Some(0.5), None));
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "BTreeMap<String, f64>")]
pub struct Weights {
    /// In the order of the texts.
    list: Vec<(String, f64)>,
    /// How each begins, in the same order.
    beginnings: Vec<u64>,
}

impl Weights {
    /// The number of this text.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<f64> {
        let wanted = beginning(text);
        let first = self.beginnings.partition_point(|beginning| *beginning < wanted);
        let run = self.beginnings[first..].partition_point(|beginning| *beginning == wanted);
        let run = &self.list[first..first + run];
        let at = run.binary_search_by(|(other, _)| other.as_str().cmp(text)).ok()?;
        Some(run[at].1)
    }
}

/// The first eight bytes as a number, with zeros for those that are missing: never larger than that of a larger text.
fn beginning(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let first = bytes.first_chunk().map(|first| u64::from_be_bytes(*first));
    first.unwrap_or_else(|| {
        let mut padded = [0; 8];
        padded[..bytes.len()].copy_from_slice(bytes);
        u64::from_be_bytes(padded)
    })
}

impl From<BTreeMap<String, f64>> for Weights {
    fn from(weights: BTreeMap<String, f64>) -> Self {
        let list: Vec<_> = weights.into_iter().collect();
        let beginnings = list.iter().map(|(text, _)| beginning(text)).collect();
        Self { list, beginnings }
    }
}

impl Serialize for Weights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.list.iter().map(|(text, weight)| (text, weight)))
    }
}
