//! `cargo xtask test`: every test there is, the quick ones first, up to the first step that fails.

pub mod browser;
mod plan;
mod step;

use std::{path::Path, process::Command};

use self::{plan::Plan, step::Steps};
use crate::{
    Outcome, cargo, child, place,
    postgres::Postgres,
    proto,
    tool::{self, Browsers, Tools, node::Node},
    web,
};

/// The variable by which tests find the server that fails where it is told to.
pub const FAILING: &str = "ROOKERY_TEST_FAILING";

/// Runs all of it, or the parts that are named.
pub fn test(arguments: &[String]) -> Outcome {
    let plan = Plan::parse(arguments)?;
    let mut steps = Steps::new(plan.steps());
    let outcome = run(&plan, &mut steps);
    steps.print(&outcome);
    outcome
}

fn run(plan: &Plan, steps: &mut Steps) -> Outcome {
    if plan.lint {
        steps.run("format", || child::run(cargo::cargo()?.args(["fmt", "--all", "--check"])))?;
    }
    let mut tools = None;
    let mut browsers = None;
    let mut buf = None;
    if plan.rust || plan.buf || plan.browser {
        steps.run("tools", || {
            tool::install(plan.rust, plan.browser)?;
            if plan.rust {
                tools = Some(tool::find_all().inspect(Tools::print)?);
            }
            if plan.browser {
                browsers = Some(tool::find_browsers().inspect(Browsers::print)?);
            }
            if plan.buf {
                buf = Some(tool::find_buf()?);
            }
            Ok(())
        })?;
    }
    if let Some(buf) = buf {
        steps.run("buf lint", || proto::lint(&buf))?;
        steps.run("buf breaking", || proto::breaking(&buf))?;
    }
    if plan.web {
        steps.run("web", || web::test(&Node::get()?))?;
    }
    if plan.lint {
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        steps.run("clippy", || child::run(cargo::cargo()?.args(clippy)))?;
    }
    if let Some(tools) = tools {
        let failing = steps.run("build to fail", || cargo::build_failing("dev"))?;
        steps.run("build", || build(plan))?;
        let postgres = steps.run("database", || Postgres::start(&tools.postgres))?;
        steps.run("tests", || child::run(environment(&mut tests(plan)?, &tools, &postgres, &failing)))?;
    }
    if let Some(browsers) = browsers {
        steps.run("browser", || browser::play(&browsers, &place::root()?.join(".test/pictures")))?;
    }
    Ok(())
}

/// Programs first: tests start them.
fn build(plan: &Plan) -> Outcome {
    if plan.flags.is_empty() {
        child::run(cargo::cargo()?.args(["build", "--workspace"]))?;
    }
    child::run(cargo::cargo()?.args(["test", "--no-run"]).args(plan.packages()).args(plan.flags_of_cargo()))?;
    if plan.filters.is_empty() || cargo::has_tests(tests(plan)?)? {
        return Ok(());
    }
    Err(format!("no test has \"{}\" in its name", plan.filters.join("\" or \"")))
}

/// One run for both databases: each test that stores anything opens both by itself.
fn tests(plan: &Plan) -> Outcome<Command> {
    let mut command = cargo::cargo()?;
    command.args(["test", "--no-fail-fast"]).args(plan.packages()).args(&plan.flags);
    if !plan.filters.is_empty() {
        if !plan.flags.iter().any(|flag| flag == "--") {
            command.arg("--");
        }
        command.args(&plan.filters);
    }
    Ok(command)
}

/// What tests find their tools and their database by.
pub fn environment<'command>(
    command: &'command mut Command,
    tools: &Tools,
    postgres: &Postgres,
    failing: &Path,
) -> &'command mut Command {
    command.envs(tools.variables()).envs(postgres.variables()).env(FAILING, failing);
    // The same pixels on every machine: no graphics card, no driver.
    command.env("ICED_BACKEND", "tiny-skia").env("ICED_TEST_BACKEND", "tiny-skia")
}
