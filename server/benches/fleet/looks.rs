//! Looks at hosts through the fleet alone, without the web: one host, and many.

use crate::sshd::Sshds;
use crate::world::{World, command, cpu};
use crate::{ms, quantile};
use muxboard_core::inventory::{Host, HostKeys, Inventory, Reach, Socket, Ssh, User};
use muxboard_core::policy::{self, Abilities, Actor, Among, Grant, Permit, Policy, Principal, Refresh};
use muxboard_core::shell::Script;
use muxboard_core::snapshot::{HostState, Place};
use muxboard_core::tmux::format;
use muxboard_fleet::{Fleet, Settings, SshSettings};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn host(world: &World, i: usize, port: u16, users: &[&str]) -> Host {
    let ssh =
        Ssh { address: "127.0.0.1".parse().unwrap(), port: Some(port), identity_file: None, host_keys: HostKeys::Strict, password: None, passphrase: None };
    let login = world.user.parse().unwrap();
    let users = users.iter().map(|name| User { name: name.parse().unwrap(), through_sudo: *name != world.user, socket: Socket::Path(world.socket()) });
    Host { users: users.collect(), reach: Reach::Ssh(ssh), ..Host::local(format!("h{i}").parse().unwrap(), &login) }
}

fn fleet(world: &World, sshds: &Sshds, count: usize, users: &[&str]) -> (Arc<Fleet>, Vec<Permit<Refresh>>) {
    let inventory = Inventory { hosts: (0..count).map(|i| host(world, i, sshds.ports[i % sshds.ports.len()], users)).collect() };
    let policy = Policy { grants: vec![Grant { who: vec!["me".into()], hosts: Among::Any, users: Among::Any, mapped: false, can: Abilities::ALL, line: 0 }] };
    let me = Actor { principal: Principal::named("me"), gate: "token", from: String::new(), request: String::new() };
    let place = |host: &Host| Place { host: host.key.clone(), user: host.users[0].name.clone() };
    let permits = inventory.hosts.iter().map(|h| policy::permit(&policy, &inventory, &me, place(h), Refresh).unwrap()).collect();
    let ssh = SshSettings { config: Some(sshds.config()), ..SshSettings::default() };
    (Fleet::new(&inventory, Settings { refresh_min: Duration::ZERO, ssh, ..Settings::default() }).unwrap(), permits)
}

/// A bare persistent shell: a script in, a mark out, nothing else.
struct Shell {
    child: std::process::Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Shell {
    fn open(sshds: &Sshds) -> Self {
        let mut child = command("ssh")
            .args(["-F", &sshds.config(), "-p", &sshds.ports[0].to_string(), "127.0.0.1", "exec sh -s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut shell = Self { child, output };
        shell.run("true");
        shell
    }
    fn run(&mut self, line: &str) {
        self.child.stdin.as_mut().unwrap().write_all(format!("{line} </dev/null; echo the-mark\n").as_bytes()).unwrap();
        let mut said = String::new();
        while !said.ends_with("the-mark\n") {
            assert!(self.output.read_line(&mut said).unwrap() > 0, "{said}");
        }
    }
}

pub fn one() {
    let (world, sshds) = (World::new(), Sshds::start(1));
    for i in 0..10 {
        world.session(&format!("build-{i}"), "exec cat");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (fleet, permits) = fleet(&world, &sshds, 1, &[&world.user]);
    // The very words that a look asks tmux.
    let list = Script::command(&format::call("9a4e").words(&["-S", &world.socket()])).to_string();
    let began = Instant::now();
    runtime.block_on(fleet.refresh(&permits));
    println!("  muxboard, the first look (resolve, login, shell, two looks)  {:.0} ms", ms(began.elapsed()));
    let port = sshds.ports[0];
    let control = sshds.path("control").display().to_string();
    sshds.ssh(port, &["-fN", "-M", "-S", &control, "-o", "ControlPersist=60"], "true");
    let mut shell = Shell::open(&sshds);
    let mut times: [Vec<f64>; 6] = Default::default();
    let (mut used, mut looks) = (Duration::ZERO, 0);
    let me = std::process::id();
    for round in 0..12 {
        let mut take = |i: usize, repeat: usize, run: &mut dyn FnMut()| {
            for _ in 0..repeat {
                let began = Instant::now();
                run();
                if round > 1 {
                    times[i].push(ms(began.elapsed()));
                }
            }
        };
        take(0, 3, &mut || drop(sshds.ssh(port, &[], &list)));
        take(1, 5, &mut || drop(sshds.ssh(port, &["-S", &control], &list)));
        take(2, 30, &mut || shell.run(&format!("{list} >/dev/null")));
        take(3, 30, &mut || drop(command("sh").args(["-c", &list]).output().unwrap()));
        let before = cpu(me);
        take(4, 30, &mut || runtime.block_on(fleet.refresh(&permits)));
        used += cpu(me) - before;
        looks += 30;
        take(5, 30, &mut || shell.run(&list));
    }
    sshds.ssh(port, &["-S", &control, "-O", "exit"], "");
    let shell_p50 = quantile(&times[2], 0.5);
    for (name, values) in [
        "a fresh ssh each time",
        "ControlMaster, a channel each time",
        "a bare persistent shell",
        "tmux on this machine, a process",
        "muxboard, warm",
        "the bare shell, its answer carried",
    ]
    .iter()
    .zip(&times)
    {
        let (p50, p99) = (quantile(values, 0.5), quantile(values, 0.99));
        println!("  {name:<36} p50 {p50:.2} ms ({:.2} x the bare shell)   p99 {p99:.2} ms   of {}", p50 / shell_p50, values.len());
    }
    println!("  muxboard's own CPU: {:.3} ms a look", ms(used) / f64::from(looks));
    let _ = shell.child.kill();
    let _ = shell.child.wait();
}

fn pss(pid: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    text.lines().find_map(|l| l.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0.0)
}

fn children() -> Vec<String> {
    let output = command("pgrep").args(["-P", &std::process::id().to_string(), "-x", "ssh"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

pub fn cold(count: usize) {
    let world = World::new();
    world.session("build", "exec cat");
    let sshds = Sshds::start((count / 20).max(1));
    // Root may be anybody; another account is told whom its sudoers line names.
    let others = std::env::var("MUXBOARD_BENCH_USERS").unwrap_or_else(|_| if world.user == "root" { "daemon bin nobody".into() } else { String::new() });
    let users: Vec<&str> = std::iter::once(world.user.as_str()).chain(others.split_whitespace()).collect();
    // What others do: an ssh for each user of each host, as many at one moment as we have.
    let (next, wanted) = (Arc::new(AtomicUsize::new(0)), count.min(100) * users.len());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..muxboard_core::limits::DIALS {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::SeqCst);
                    if i >= wanted {
                        return;
                    }
                    let sudo = users.get(i % users.len()).filter(|u| **u != world.user).map(|u| format!("sudo -n -H -u {u} ")).unwrap_or_default();
                    sshds.ssh(sshds.ports[i % sshds.ports.len()], &[], &format!("{sudo}tmux -S {} list-sessions", world.socket()));
                }
            });
        }
    });
    let bare = began.elapsed().as_secs_f64() / wanted as f64 * (count * users.len()) as f64;
    println!("  a fresh ssh for each of {} users on each host: {bare:.1} s (measured on {wanted} of {})", users.len(), count * users.len());

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let me = std::process::id();
    let before = pss(&me.to_string());
    let (fleet, permits) = fleet(&world, &sshds, count, &users);
    let (began, used) = (Instant::now(), cpu(me));
    runtime.spawn(fleet.clone().run());
    let states = || fleet.snapshot().borrow().hosts.iter().map(|h| h.state.clone()).collect::<Vec<_>>();
    while states().contains(&HostState::Pending) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = began.elapsed();
    let down: Vec<_> = states().into_iter().filter(|s| !matches!(s, HostState::Up { .. })).collect();
    println!(
        "  muxboard, cold: {:.1} s ({:.2} x that), {} hosts not up; own CPU {:.2} ms a host",
        took.as_secs_f64(),
        took.as_secs_f64() / bare,
        down.len(),
        ms(cpu(me) - used) / count as f64
    );
    down.iter().take(3).for_each(|state| println!("    {state:?}"));
    for _ in 0..3 {
        let (began, used) = (Instant::now(), cpu(me));
        runtime.block_on(fleet.refresh(&permits));
        println!("  muxboard, warm: {:.2} s for all, own CPU {:.3} ms a host", began.elapsed().as_secs_f64(), ms(cpu(me) - used) / count as f64);
    }
    let ssh = children();
    let theirs: f64 = ssh.iter().map(|pid| pss(pid)).sum();
    let ours = pss(&me.to_string()) - before;
    println!(
        "  memory (PSS): {:.2} MiB a host: {:.2} in {} ssh, {:.2} in muxboard",
        (theirs + ours) / 1024.0 / count as f64,
        theirs / 1024.0 / count as f64,
        ssh.len(),
        ours / 1024.0 / count as f64
    );
    let all = || cpu(me) + ssh.iter().map(|pid| cpu(pid.parse().unwrap())).sum::<Duration>();
    let (used, began) = (all(), Instant::now());
    std::thread::sleep(Duration::from_secs(30));
    println!("  idle (a look a minute): {:.3} ms of CPU a second a host, ssh included", ms(all() - used) / began.elapsed().as_secs_f64() / count as f64);
    drop(fleet);
    runtime.shutdown_timeout(Duration::from_secs(2));
}
