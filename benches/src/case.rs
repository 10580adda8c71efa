//! A case: something to do many times over, and how long that takes.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many inputs are prepared at a time: enough to make the clock cheap, few enough to stay in cache.
const BATCH: u64 = 16;

/// Something that is timed.
pub struct Case {
    /// What it is called, without blanks. A number behind the last `/` is the size of its input.
    pub name: String,
    /// The most that it may take, in yardsticks; `None` if nothing was promised.
    pub bar: Option<f64>,
    /// What it is compared with, if not with [`yardstick`](crate::yardstick).
    pub against: Option<Box<Case>>,
    time: Box<dyn FnMut(u64) -> Duration>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).field("bar", &self.bar).finish_non_exhaustive()
    }
}

impl Case {
    /// Runs it so many times, and says how long that took.
    pub fn time(&mut self, runs: u64) -> Duration {
        (self.time)(runs)
    }

    /// The same case, compared with a yardstick of its own.
    pub(crate) fn against(self, yardstick: Case) -> Self {
        Self { against: Some(Box::new(yardstick)), ..self }
    }

    /// A case that takes its own time.
    pub(crate) fn timed(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        time: impl FnMut(u64) -> Duration + 'static,
    ) -> Self {
        Self { name: name.into(), bar: bar.into(), against: None, time: Box::new(time) }
    }

    /// A case that can be run again as it is. Dropping what it makes is part of it.
    pub(crate) fn repeated<T>(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        mut run: impl FnMut() -> T + 'static,
    ) -> Self {
        let time = move |runs| {
            let begin = Instant::now();
            for _ in 0..runs {
                black_box(run());
            }
            begin.elapsed()
        };
        Self::timed(name, bar, time)
    }

    /// The mean over several inputs, which each run takes one after the other.
    pub(crate) fn mean<I: 'static, T>(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        inputs: Vec<I>,
        mut run: impl FnMut(&I) -> T + 'static,
    ) -> Self {
        let count = u32::try_from(inputs.len()).expect("a handful");
        let all = move || {
            for input in &inputs {
                black_box(run(black_box(input)));
            }
        };
        let mut all = Self::repeated(String::new(), None, all);
        Self::timed(name, bar, move |runs| all.time(runs) / count)
    }

    /// A case that uses its input up. Neither making the inputs nor dropping the results is part of it.
    pub(crate) fn consuming<I, T>(
        name: impl Into<String>,
        bar: impl Into<Option<f64>>,
        mut prepare: impl FnMut() -> I + 'static,
        mut run: impl FnMut(I) -> T + 'static,
    ) -> Self {
        let time = move |runs: u64| {
            let (mut left, mut total) = (runs, Duration::ZERO);
            while left > 0 {
                let inputs: Vec<I> = (0..left.min(BATCH)).map(|_| prepare()).collect();
                left -= inputs.len() as u64;
                let mut results = Vec::with_capacity(inputs.len());
                let begin = Instant::now();
                for input in inputs {
                    results.push(run(black_box(input)));
                }
                total += begin.elapsed();
                black_box(results);
            }
            total
        };
        Self::timed(name, bar, time)
    }
}
