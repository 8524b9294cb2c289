//! What a deployment spends its time on, piece by piece: `cargo xtask bench`, or `cargo bench --package deploy-benches`.
#![allow(clippy::expect_used, reason = "a benchmark that cannot do its work must stop, not measure nothing")]
#![allow(missing_docs, reason = "criterion's macros make functions without")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use deploy_benches::channel::{Embedded, Many, Runner, decode, exec, record};
use deploy_benches::fleet::Deploy;
use deploy_benches::recipe::{CLASSIC, grown, load};
use deploy_shell::{Argv, quote};
use tokio::runtime::{Builder, Runtime};

fn quoting(c: &mut Criterion) {
    let mut group = c.benchmark_group("quote");
    let long = "it's a line with $(everything) \"in\" it\n".repeat(100);
    for (name, text) in
        [("plain", "/var/www/shop/releases/20261123060439"), ("awkward", "it's $HOME; `rm` \\ \"x\""), ("4 KB", &long)]
    {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| b.iter(|| quote(black_box(text)).expect("no NUL")));
    }
    group.finish();
    c.bench_function("argv of twelve words", |b| {
        b.iter(|| {
            let argv = Argv::new("git").args(["clone", "-q", "--depth", "1", "--branch", "release/2026 autumn"]);
            argv.args(["--", "git@git.example.com:shop.git", "/var/www/shop/it's here", "a", "b"])
                .to_sh()
                .expect("no NUL")
        });
    });
}

fn planning(c: &mut Criterion) {
    let deploy = Deploy::open().expect("the fleet opens");
    let plan = deploy.plan().expect("the flow can be planned");
    c.bench_function("open a fleet of five", |b| b.iter(|| Deploy::open().expect("the fleet opens")));
    c.bench_function("plan a deploy to five", |b| b.iter(|| deploy.plan().expect("the flow can be planned")));
    let mut group = c.benchmark_group("compile a deploy to five");
    group.throughput(Throughput::Bytes(deploy.compile(&plan) as u64));
    group.bench_function("scripts", |b| b.iter(|| deploy.compile(black_box(&plan))));
    group.finish();
}

fn loading(c: &mut Criterion) {
    // The evaluator recurses on the native stack; recipes as deep as its limits allow need more, these do not.
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let large = grown(50);
    let mut group = c.benchmark_group("load a recipe");
    for (name, text) in [("classic", CLASSIC), ("fifty more tasks", large.as_str())] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| b.iter(|| runtime.block_on(load(black_box(text))).expect("it loads")));
    }
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let runtime = everything();
    let lines = "i=0; while [ $i -lt 4000 ]; do echo \"$i: a line of output as compilers and package managers write them\"; i=$((i+1)); done";
    let zeros = "dd if=/dev/zero bs=65536 count=64 2>/dev/null";
    let many = vec!["echo done"; 100];
    let mut group = c.benchmark_group("decode framed output");
    for (name, commands) in [("4000 lines", vec![lines]), ("4 MiB", vec![zeros]), ("100 short steps", many)] {
        let recording = runtime.block_on(record(&commands)).expect("the commands work");
        assert_eq!(decode(&recording).1, commands.len());
        group.throughput(Throughput::Bytes(recording.len() as u64));
        group.bench_function(name, |b| b.iter(|| decode(black_box(&recording))));
    }
    group.finish();
}

fn hosts(c: &mut Criterion) {
    let runtime = everything();
    let embedded = Embedded::start().expect("an embedded host");
    let mut group = c.benchmark_group("embedded host");
    group.sample_size(20);
    group.bench_function("connect, log in, run a command", |b| {
        b.iter(|| {
            runtime.block_on(async {
                let session = embedded.connect().await.expect("a connection");
                let said = exec(&*session, "echo hello").await.expect("it works");
                session.close().await;
                said
            })
        });
    });
    let session = runtime.block_on(embedded.connect()).expect("a connection");
    group.bench_function("a command on a channel of its own", |b| {
        b.iter(|| runtime.block_on(exec(&*session, "echo hello")).expect("it works"));
    });
    group.bench_function("start a runner and end it", |b| {
        let once = async || Runner::start(&*session, false).await.expect("a runner").quit().await;
        b.iter(|| runtime.block_on(once()).expect("it says goodbye"));
    });
    group.sample_size(10);
    group.bench_function("a thousand commands one after the other", |b| {
        b.iter(|| {
            runtime.block_on(async {
                for _ in 0..1000 {
                    exec(&*session, "true").await.expect("it works");
                }
            });
        });
    });
    let mut runner = runtime.block_on(Runner::start(&*session, false)).expect("a runner");
    group.bench_function("a command through a runner", |b| {
        b.iter(|| runtime.block_on(runner.command("true")).expect("it works"));
    });
    runtime.block_on(async {
        runner.quit().await.expect("it says goodbye");
        session.close().await;
    });
    group.finish();
}

fn fan_out(c: &mut Criterion) {
    let runtime = everything();
    let mut group = c.benchmark_group("connect, log in, run on all");
    group.sample_size(10);
    for hosts in [1, 10, 50, 200] {
        let many = Many::start(hosts).expect("embedded hosts");
        group.throughput(Throughput::Elements(hosts as u64));
        group.bench_function(hosts.to_string(), |b| {
            b.iter(|| runtime.block_on(many.run("true")).expect("every host works"));
        });
    }
    group.finish();
}

fn everything() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

criterion_group!(benches, quoting, planning, loading, decoding, hosts, fan_out);
criterion_main!(benches);
