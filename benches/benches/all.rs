//! Every case, by criterion.

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for mut case in std::iter::once(benches::yardstick()).chain(benches::all()) {
        criterion.bench_function(case.name, |bencher| bencher.iter_custom(|runs| case.time(runs)));
    }
    criterion.final_summary();
}
