//! Stores that wrap another one: what they don't change is asked of that.

/// The methods of a `Store` that read, but for loading and words, each answered by `$other`.
macro_rules! forward_reads {
    ($this:ident => $other:expr) => {
        fn analyses(
            &$this,
            hash: &kbasefs::catalog::ContentHash,
        ) -> kbasefs::store::Result<Vec<(kbasefs::catalog::Analysis, i64)>> {
            $other.analyses(hash)
        }

        fn measured(
            &$this,
            hash: &kbasefs::catalog::ContentHash,
        ) -> kbasefs::store::Result<Option<kbasefs::catalog::Measured>> {
            $other.measured(hash)
        }

        fn detail(
            &$this,
            id: kbasefs::catalog::PhotoId,
        ) -> kbasefs::store::Result<Option<kbasefs::catalog::Detail>> {
            $other.detail(id)
        }

        fn outdated(&$this) -> kbasefs::store::Result<roaring::RoaringBitmap> {
            $other.outdated()
        }

        fn relevance(
            &$this,
            words: &[&kbasefs::catalog::Words],
        ) -> kbasefs::store::Result<Vec<(kbasefs::catalog::PhotoId, f64)>> {
            $other.relevance(words)
        }

        fn acts(
            &$this,
            before: Option<kbasefs::catalog::ActId>,
            most: usize,
        ) -> kbasefs::store::Result<Vec<kbasefs::catalog::Done>> {
            $other.acts(before, most)
        }

        fn act(
            &$this,
            id: kbasefs::catalog::ActId,
        ) -> kbasefs::store::Result<
            Option<(kbasefs::catalog::Done, Vec<kbasefs::catalog::Trace>)>,
        > {
            $other.act(id)
        }

        fn gone_sizes(&$this) -> kbasefs::store::Result<Vec<u64>> {
            $other.gone_sizes()
        }

        fn gone_with_words(
            &$this,
        ) -> kbasefs::store::Result<Vec<kbasefs::catalog::GonePhoto>> {
            $other.gone_with_words()
        }

        fn detail_of_gone(
            &$this,
            id: kbasefs::catalog::PhotoId,
        ) -> kbasefs::store::Result<Option<kbasefs::catalog::Detail>> {
            $other.detail_of_gone(id)
        }

        fn size_bytes(&$this) -> kbasefs::store::Result<u64> {
            $other.size_bytes()
        }
    };
}

pub(crate) use forward_reads;
