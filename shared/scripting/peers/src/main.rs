//! The same mapping in Crosswave's host and in Lua 5.4, and a preview of many people without any
//! database: `cargo run --release [CALLS]` here.
//!
//! Both convert the person into the script's values and the result back, and both results are
//! compared. Crosswave's host also checks every value against the schema, notes the line of each,
//! and meters operations, time and memory; Lua runs bare.

use std::{collections::BTreeMap, error::Error, sync::Arc, time::Instant};

use mlua::{Function, Lua, Table, Value};
use scripting::{
    AttributeValue, Attributes, Mapping, RunContext, Script, UserInput,
    policy::PolicyContext,
    preview::{FirstCandidates, preview},
    sample_run, sample_user,
};

#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator<mimalloc::MiMalloc> =
    scripting::MeteredAllocator::over(mimalloc::MiMalloc);

/// Both are measured so often in turn, and the best of each counts: what else the machine does
/// makes neither faster.
const ROUNDS: u32 = 7;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let calls = std::env::args().nth(1).map_or(Ok(20_000), |text| text.parse::<u32>())?;
    let user = person();
    let host = Mapping::compile("mapping.rhai", include_str!("mapping.rhai"))
        .map_err(|faults| format!("{faults:?}"))?;
    let lua = Lua::new();
    lua.load(include_str!("mapping.lua")).exec()?;
    let function: Function = lua.globals().get("map_user")?;
    let run = Arc::new(sample_run());

    let ours: BTreeMap<String, String> = host
        .map_user(&user, &run)?
        .plain()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let theirs = in_lua(&lua, &function, &user.source)?;
    if ours != theirs {
        return Err(format!("the results differ\n{ours:?}\n{theirs:?}").into());
    }

    let users = vec![user; usize::try_from(calls)?];
    let (mut of_host, mut of_lua) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mapped = host.map_users(&users, &run);
        of_host = of_host.min(began.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
        if mapped.iter().any(std::result::Result::is_err) {
            return Err("a call failed".into());
        }
        let began = Instant::now();
        for user in &users {
            in_lua(&lua, &function, &user.source)?;
        }
        of_lua = of_lua.min(began.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
    }
    let began = Instant::now();
    for _ in 0..200 {
        drop(Script::compile("bench.rhai", scripting::MAPPING));
    }
    let compile = began.elapsed().as_secs_f64() * 1e6 / 200.0;
    println!("check and compile the shipped mapping: {compile:.0} µs");
    shipped(&run)?;
    println!("Crosswave's host: {of_host:.1} µs a person");
    println!("Lua 5.4, bare:    {of_lua:.1} µs a person");
    println!("ratio:            {:.1}", of_host / of_lua);
    Ok(())
}

/// The shipped mapping over a hundred thousand people, without any database.
fn shipped(run: &Arc<RunContext>) -> Result<()> {
    const PEOPLE: u32 = 100_000;
    let mapping = Mapping::standard();
    let users = (0..PEOPLE).map(|number| {
        let mut user = person();
        user.source_id = format!("{number:08}");
        user.source.set("userPrincipalName", format!("anna{number}@contoso.com"));
        user
    });
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (mut changes, mut micros) = (0, 0);
    let began = Instant::now();
    preview(
        &mapping,
        users,
        run,
        &PolicyContext { verified_domains: vec!["fabrikam.com".into()], ..Default::default() },
        threads,
        &mut FirstCandidates,
        |user| {
            changes += user.changes.len();
            micros += user.cost.micros;
        },
    );
    let seconds = began.elapsed().as_secs_f64();
    let each = f64::from(u32::try_from(micros / u64::from(PEOPLE))?);
    println!("preview of {PEOPLE} people on {threads} threads: {seconds:.1} s, {changes} changes");
    println!("of that inside the script: {each:.0} µs of processor time a person");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!("{peak}");
    Ok(())
}

/// Calls Lua's mapping with a person, and reads the result.
fn in_lua(lua: &Lua, function: &Function, source: &Attributes) -> Result<BTreeMap<String, String>> {
    let given = lua.create_table()?;
    for (name, value) in source.iter() {
        match value {
            AttributeValue::Text(text) => given.set(name.as_str(), text.as_str())?,
            AttributeValue::Texts(texts) => given.set(name.as_str(), texts.clone())?,
            AttributeValue::Bool(flag) => given.set(name.as_str(), *flag)?,
            AttributeValue::Number(number) => given.set(name.as_str(), *number)?,
        }
    }
    let target: Table = function.call(given)?;
    let mut result = BTreeMap::new();
    for pair in target.pairs::<String, Value>() {
        let (name, value) = pair?;
        let value = match value {
            Value::Table(list) => {
                let texts: Vec<String> = list.sequence_values().collect::<mlua::Result<_>>()?;
                format!("[{}]", texts.join(", "))
            }
            other => other.to_string()?,
        };
        result.insert(name, value);
    }
    Ok(result)
}

/// A person with some forty attributes.
fn person() -> UserInput {
    let mut source = sample_user();
    for number in 1..=15 {
        source.set(&format!("extensionAttribute{number}"), format!("value {number}"));
    }
    let kinds = ["SMTP:Anna.Munoz@contoso.com", "smtp:a@contoso.com", "smtp:a@x.onmicrosoft.com"];
    source.set("proxyAddresses", kinds.map(str::to_owned).to_vec());
    UserInput { source_id: "1".to_owned(), source, ..UserInput::default() }
}
