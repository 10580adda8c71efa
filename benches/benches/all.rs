//! Measures every case with criterion.

use benches::Case;
use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let yardstick: fn() -> Vec<Case> = || vec![benches::yardstick()];
    for group in std::iter::once(yardstick).chain(benches::GROUPS) {
        for mut case in group() {
            criterion
                .bench_function(&case.name.clone(), |bencher| bencher.iter_custom(|runs| case.time(runs)));
        }
    }
    criterion.final_summary();
}
