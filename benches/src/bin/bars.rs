//! Compares every case with its yardstick, and says which of the bars hold: `bars`, or `bars PART` for
//! those with PART in their names.
//!
//! Ends with exit code 1 if one does not. The machine's speed cancels out: each short batch of a case
//! is compared with a batch of its yardstick right before it, and the median of many such pairs counts.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use benches::Case;

/// How many pairs of batches a case gets.
const ROUNDS: usize = 501;

/// After this time a case gets no more of them, unless it had very few.
const ENOUGH: Duration = Duration::from_secs(1);
const FEW: usize = 21;

/// How long a batch takes, about.
const BATCH: Duration = Duration::from_micros(500);

/// By how much a case on the largest input may be off that on the smallest one, both in yardsticks: what
/// the caches do to both is not quite the same.
const LINEAR: f64 = 1.25;

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
    eprintln!("Y took {:.2} µs", median(&mut yardstick.samples) * 1e6);
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A case beside its yardstick.
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

    fn compare(&mut self) {
        if self.spent > ENOUGH && self.ratios.len() >= FEW {
            return;
        }
        let begin = Instant::now();
        let yardstick = self.yardstick.sample();
        self.ratios.push(self.case.sample() / yardstick);
        self.spent += begin.elapsed();
    }

    /// Prints its line, and tells whether its bar holds.
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

    fn sized(&mut self) -> Option<Sized> {
        let (stem, size) = self.case.case.name.rsplit_once('/')?;
        let (stem, size) = (stem.to_owned(), size.parse().ok()?);
        let micros = median(&mut self.case.samples) * 1e6;
        Some(Sized { stem, size, micros, ratio: median(&mut self.ratios) })
    }
}

/// What came of a case that there is for inputs of several sizes.
struct Sized {
    /// Its name without the size.
    stem: String,
    size: u32,
    micros: f64,
    ratio: f64,
}

/// Prints how long cases take by the size of their input, and tells whether none grows faster than its
/// yardstick, which is linear.
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
        let linear = row.first().zip(row.last()).is_none_or(|(a, b)| b.ratio <= a.ratio * LINEAR);
        println!("  {}", if linear { "linear or better" } else { "worse than linear" });
        all_hold &= linear;
    }
    all_hold
}

/// A case, with how often it is run in a batch, and the seconds that it took in the batches so far.
struct Timed {
    case: Case,
    runs: u64,
    samples: Vec<f64>,
}

impl Timed {
    fn new(mut case: Case) -> Self {
        // The first runs are slow, so it is the time of the last ones that tells.
        let mut runs = 1;
        loop {
            let took = case.time(runs);
            if took > BATCH * 4 || (runs >= 64 && took > BATCH / 2) {
                break;
            }
            runs *= 2;
        }
        Self { case, runs, samples: Vec::new() }
    }

    /// The seconds that one run takes, by one batch. A few runs before it are not counted: they pay
    /// for what others left in the allocator and in the caches.
    fn sample(&mut self) -> f64 {
        self.case.time(self.runs / 8 + 1);
        let seconds = self.case.time(self.runs).as_secs_f64() / self.runs as f64;
        self.samples.push(seconds);
        seconds
    }
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}
