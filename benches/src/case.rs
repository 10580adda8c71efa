//! A case: work that can be repeated and timed.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many inputs are prepared at a time: enough that reading the clock costs little, few enough to stay in the cache.
const BATCH: u64 = 16;

/// Work that is timed.
pub struct Case {
    /// The name, without spaces. A number after the last `/` is the size of the input.
    pub name: String,
    /// The bar: the maximum time, in yardsticks. `None` if there is no bar.
    pub bar: Option<f64>,
    /// The yardstick, if it is not the common [`yardstick`](crate::yardstick).
    pub against: Option<Box<Case>>,
    time: Box<dyn FnMut(u64) -> Duration>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("bar", &self.bar).finish_non_exhaustive()
    }
}

impl Case {
    /// Runs the work this many times, and returns the total time.
    pub fn time(&mut self, runs: u64) -> Duration {
        (self.time)(runs)
    }

    /// The same case with its own yardstick.
    pub(crate) fn against(self, yardstick: Case) -> Self {
        Self { against: Some(Box::new(yardstick)), ..self }
    }

    /// A case that measures its own time.
    pub(crate) fn timed(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        time: impl FnMut(u64) -> Duration + 'static,
    ) -> Self {
        Self { name: name.into(), bar: bar.into(), against: None, time: Box::new(time) }
    }

    /// A case that can be repeated without preparation. The time includes dropping the result.
    pub(crate) fn repeated<T>(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        mut run: impl FnMut() -> T + 'static,
    ) -> Self {
        let time = move |runs| {
            let start = Instant::now();
            for _ in 0..runs {
                black_box(run());
            }
            start.elapsed()
        };
        Self::timed(name, bar, time)
    }

    /// A case whose time is the mean over several inputs.
    pub(crate) fn mean<I: 'static, T>(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        inputs: Vec<I>,
        mut run: impl FnMut(&I) -> T + 'static,
    ) -> Self {
        let count = u32::try_from(inputs.len()).expect("there are few inputs");
        let all = move || {
            for input in &inputs {
                black_box(run(black_box(input)));
            }
        };
        let mut all = Self::repeated(String::new(), None, all);
        Self::timed(name, bar, move |runs| all.time(runs) / count)
    }

    /// A case that consumes its input. The time does not include preparing the inputs and dropping the results.
    pub(crate) fn consuming<I, T>(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        mut prepare: impl FnMut() -> I + 'static,
        mut run: impl FnMut(I) -> T + 'static,
    ) -> Self {
        let time = move |runs: u64| {
            let (mut remaining, mut total) = (runs, Duration::ZERO);
            while remaining > 0 {
                let inputs: Vec<I> = (0..remaining.min(BATCH)).map(|_| prepare()).collect();
                remaining -= inputs.len() as u64;
                let mut results = Vec::with_capacity(inputs.len());
                let start = Instant::now();
                for input in inputs {
                    results.push(run(black_box(input)));
                }
                total += start.elapsed();
                black_box(results);
            }
            total
        };
        Self::timed(name, bar, time)
    }
}
