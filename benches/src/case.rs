//! A case: something to do many times over, and how long that takes.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many inputs are prepared at a time: enough to make the clock cheap, few enough to stay in cache.
const BATCH: u64 = 16;

/// Something that is timed.
pub struct Case {
    /// What it is called, without blanks.
    pub name: &'static str,
    /// The most that it may take, in yardsticks; `None` if nothing was promised.
    pub bar: Option<f64>,
    time: Box<dyn FnMut(u64) -> Duration>,
}

impl Case {
    /// Runs it so many times, and says how long that took.
    pub fn time(&mut self, runs: u64) -> Duration {
        (self.time)(runs)
    }

    /// A case that can be run again as it is. Dropping what it makes is part of it.
    pub(crate) fn repeated<T>(
        name: &'static str,
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
        Self { name, bar: bar.into(), time: Box::new(time) }
    }

    /// The mean over several inputs, which each run takes one after the other.
    pub(crate) fn mean<I: 'static, T>(
        name: &'static str,
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
        let mut all = Self::repeated(name, bar, all);
        Self { name, bar: all.bar, time: Box::new(move |runs| all.time(runs) / count) }
    }

    /// A case that uses its input up. Neither making the inputs nor dropping the results is part of it.
    pub(crate) fn consuming<I, T>(
        name: &'static str,
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
        Self { name, bar: bar.into(), time: Box::new(time) }
    }
}
