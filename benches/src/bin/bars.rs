//! Compares every case with the yardstick, and says which of the bars hold: `bars`, or `bars PART` for
//! those with PART in their names.
//!
//! Ends with exit code 1 if one does not. The machine's speed cancels out: each short batch of a case
//! is compared with a batch of the yardstick right before it, and the median of many such pairs counts.

use std::process::ExitCode;
use std::time::Duration;

use benches::Case;

/// How many pairs of batches a case gets.
const ROUNDS: usize = 501;

/// How long a batch takes, about.
const BATCH: Duration = Duration::from_micros(500);

fn main() -> ExitCode {
    let part = std::env::args().nth(1).unwrap_or_default();
    let mut yardstick = Timed::new(benches::yardstick());
    let mut all_hold = true;
    for group in benches::GROUPS {
        let mut cases: Vec<Timed> =
            group().into_iter().filter(|case| case.name.contains(&part)).map(Timed::new).collect();
        for _ in 0..ROUNDS {
            for case in &mut cases {
                let y = yardstick.sample();
                yardstick.samples.push(y);
                let ratio = case.sample() / y;
                case.samples.push(ratio);
            }
        }
        for case in &mut cases {
            all_hold &= case.report();
        }
    }
    eprintln!("the yardstick took {:.2} µs", yardstick.median() * 1e6);
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A case, with how often it is run in a batch, and what came of the batches so far.
struct Timed {
    case: Case,
    runs: u64,
    samples: Vec<f64>,
}

impl Timed {
    fn new(mut case: Case) -> Self {
        // The first runs are slow, so it is the time of the last ones that tells.
        let mut runs = 1;
        while runs < 64 || case.time(runs) < BATCH / 2 {
            runs *= 2;
        }
        Self { case, runs, samples: Vec::with_capacity(ROUNDS) }
    }

    /// The seconds that one run takes, by one batch. A few runs before it are not counted: they pay
    /// for what others left in the allocator and in the caches.
    fn sample(&mut self) -> f64 {
        self.case.time(self.runs / 8 + 1);
        self.case.time(self.runs).as_secs_f64() / self.runs as f64
    }

    /// Prints its line, and tells whether its bar holds.
    fn report(&mut self) -> bool {
        let (name, ratio) = (self.case.name, self.median());
        let Some(bar) = self.case.bar else {
            println!("{name:<26} {ratio:>8.4}      - -");
            return true;
        };
        println!("{name:<26} {ratio:>8.4} {bar:>6.3} {}", if ratio <= bar { "holds" } else { "falls short" });
        ratio <= bar
    }

    fn median(&mut self) -> f64 {
        self.samples.sort_by(f64::total_cmp);
        self.samples.get(self.samples.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
