//! Compares the time of each case with its yardstick, and prints whether its bar holds. `bars PART` runs only the cases
//! whose names contain PART.
//!
//! Ends with exit code 1 if a bar does not hold. The results do not depend on the speed of the machine: each short batch
//! of a case is compared with a batch of its yardstick right before it, and the median of many such pairs counts.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use benches::Case;

/// The maximum number of pairs of batches for a case.
const ROUNDS: usize = 501;

/// After this time a case gets no more pairs, but each case gets at least `MIN_ROUNDS`.
const MAX_TIME: Duration = Duration::from_secs(1);
const MIN_ROUNDS: usize = 21;

/// The approximate time of a batch.
const BATCH: Duration = Duration::from_micros(500);

/// A case counts as linear if its ratio on the largest input is at most this many times that on the smallest one. The
/// factor allows for the caches, which do not affect the case and its yardstick equally.
const LINEAR_TOLERANCE: f64 = 1.25;

fn main() -> ExitCode {
    let part = std::env::args().nth(1).unwrap_or_default();
    let mut all_hold = true;
    let mut sized = Vec::new();
    for group in benches::GROUPS {
        let mut cases: Vec<Compared> =
            group().into_iter().filter(|case| case.name.contains(&part)).map(Compared::new).collect();
        for _ in 0..ROUNDS {
            cases.iter_mut().for_each(Compared::compare);
        }
        for case in &mut cases {
            all_hold &= case.report();
        }
        sized.extend(cases.iter_mut().filter_map(Compared::sized));
    }
    all_hold &= report_growth(&sized);
    let mut yardstick = Timed::new(benches::yardstick());
    (0..101).for_each(|_| _ = yardstick.sample());
    eprintln!("Y takes {:.2} µs", median(&mut yardstick.samples) * 1e6);
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A case with its yardstick.
struct Compared {
    case: Timed,
    yardstick: Timed,
    spent: Duration,
    ratios: Vec<f64>,
}

impl Compared {
    fn new(mut case: Case) -> Self {
        let yardstick = case.against.take().map_or_else(benches::yardstick, |yardstick| *yardstick);
        let (case, yardstick) = (Timed::new(case), Timed::new(yardstick));
        Self { case, yardstick, spent: Duration::ZERO, ratios: Vec::new() }
    }

    /// Runs a batch of the yardstick and a batch of the case.
    fn compare(&mut self) {
        if self.spent > MAX_TIME && self.ratios.len() >= MIN_ROUNDS {
            return;
        }
        let start = Instant::now();
        let yardstick = self.yardstick.sample();
        self.ratios.push(self.case.sample() / yardstick);
        self.spent += start.elapsed();
    }

    /// Prints the line of the case, and returns whether its bar holds.
    fn report(&mut self) -> bool {
        let (name, ratio) = (&self.case.case.name, median(&mut self.ratios));
        let against = &self.yardstick.case.name;
        let Some(bar) = self.case.case.bar else {
            println!("{name:<34} {ratio:>9.4} {against}      - -");
            return true;
        };
        let verdict = if ratio <= bar { "holds" } else { "falls short" };
        println!("{name:<34} {ratio:>9.4} {against} {bar:>6.3} {verdict}");
        ratio <= bar
    }

    /// The result for the table of growth, if the name of the case ends with the size of its input.
    fn sized(&mut self) -> Option<Sized> {
        let (stem, size) = self.case.case.name.rsplit_once('/')?;
        let (stem, size) = (stem.to_owned(), size.parse().ok()?);
        let micros = median(&mut self.case.samples) * 1e6;
        Some(Sized { stem, size, micros, ratio: median(&mut self.ratios) })
    }
}

/// The result of a case that exists for several sizes of input.
struct Sized {
    /// The name of the case without the size.
    stem: String,
    size: u32,
    micros: f64,
    ratio: f64,
}

/// Prints the times of cases by the size of their input, and returns whether none grows faster than its yardstick, which
/// is linear.
fn report_growth(sized: &[Sized]) -> bool {
    let sizes: BTreeSet<u32> = sized.iter().map(|case| case.size).collect();
    if sizes.is_empty() {
        return true;
    }
    print!("\n{:<28}", "growth, in µs");
    sizes.iter().for_each(|size| print!("{size:>10}"));
    println!();
    let mut stems: Vec<&str> = sized.iter().map(|case| case.stem.as_str()).collect();
    stems.sort_unstable();
    stems.dedup();
    let mut all_hold = true;
    for stem in stems {
        let row: Vec<&Sized> = sized.iter().filter(|case| case.stem == stem).collect();
        print!("{stem:<28}");
        row.iter().for_each(|case| print!("{:>10.1}", case.micros));
        let linear = row.first().zip(row.last()).is_none_or(|(a, b)| b.ratio <= a.ratio * LINEAR_TOLERANCE);
        println!("  {}", if linear { "linear or better" } else { "worse than linear" });
        all_hold &= linear;
    }
    all_hold
}

/// A case, the number of its runs in a batch, and the seconds per run in each batch so far.
struct Timed {
    case: Case,
    runs: u64,
    samples: Vec<f64>,
}

impl Timed {
    fn new(mut case: Case) -> Self {
        // Doubles the number of runs until a batch is long enough. The first runs are slower, so they do not count
        // unless they are much too long.
        let mut runs = 1;
        loop {
            let time = case.time(runs);
            if time > BATCH * 4 || (runs >= 64 && time > BATCH / 2) {
                break;
            }
            runs *= 2;
        }
        Self { case, runs, samples: Vec::new() }
    }

    /// Runs a batch, and returns the seconds per run. Some runs before it are not timed: they warm up the allocator and
    /// the caches after other cases.
    fn sample(&mut self) -> f64 {
        self.case.time(self.runs / 8 + 1);
        let seconds = self.case.time(self.runs).as_secs_f64() / self.runs as f64;
        self.samples.push(seconds);
        seconds
    }
}

/// The median of samples; sorts them.
fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
