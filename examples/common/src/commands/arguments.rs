//! The arguments of a host.

use clap::{Arg, ArgAction, Command};

use crate::Program;
use crate::settings::options::{self, STORE_OPTIONS};

/// The whole command line.
pub(crate) fn command(program: &Program) -> Command {
    let command = Command::new(program.name)
        .about(program.about)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .max_term_width(120)
        .after_help("Each option is an environment variable too: --listen is SCIM_LISTEN.")
        .arg(flag("check", "Read the options, open the database, and end").global(false))
        .subcommand(Command::new("serve").about("Serve SCIM; the default"))
        .subcommand(token())
        .subcommand(client())
        .subcommand(admin());
    options::add(command, |variable| !program.has_store && STORE_OPTIONS.contains(&variable))
}

fn token() -> Command {
    let create = new_credential(Command::new("create").about("Create a bearer token, and print it once"));
    Command::new("token")
        .about("Bearer tokens that this host has issued")
        .subcommand_required(true)
        .subcommand(create.arg(expires("When it expires, such as 2027-06-30 or 90d; never by default")))
        .subcommand(Command::new("list").about("List them"))
        .subcommand(Command::new("revoke").about("Revoke one").arg(positional("id", "The id in the list")))
}

fn admin() -> Command {
    let create = Command::new("create").about("Create a token for an administrator, and print it once");
    let create = create
        .arg(positional("name", "The name of the administrator"))
        .arg(Arg::new("tenant").long("tenant").value_name("NAME").help("Only this tenant is seen [all]"))
        .arg(flag("read-only", "Credentials cannot be created and revoked"))
        .arg(expires("When it expires, such as 2027-06-30 or 90d; never by default"));
    Command::new("admin")
        .about("Tokens for the pages of administrators")
        .subcommand_required(true)
        .subcommand(create)
        .subcommand(Command::new("list").about("List them"))
        .subcommand(Command::new("revoke").about("Revoke one").arg(positional("id", "The id in the list")))
}

fn client() -> Command {
    let create =
        new_credential(Command::new("create").about("Create a client with a secret, and print both once"));
    let create =
        create.arg(flag("without-secret", "Create no secret, for a client that signs or is federated"));
    Command::new("client")
        .about("Clients of the token endpoint (OAuth 2.0 client credentials)")
        .subcommand_required(true)
        .subcommand(with_lifetime(create))
        .subcommand(Command::new("list").about("List them, with their secrets and trusts"))
        .subcommand(Command::new("revoke").about("Revoke one").arg(positional("id", "Its client_id")))
        .subcommand(secret())
        .subcommand(trust())
}

fn secret() -> Command {
    let add = Command::new("add").about("Add a secret beside those that the client has, and print it once");
    let remove = Command::new("remove").about("Remove a secret");
    Command::new("secret")
        .about("The secrets of a client")
        .subcommand_required(true)
        .subcommand(with_lifetime(add.arg(positional("id", "The client_id"))))
        .subcommand(
            remove
                .arg(positional("id", "The client_id"))
                .arg(positional("secret", "The id of the secret in the list")),
        )
}

fn trust() -> Command {
    let value = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let federated = ["issuer", "subject", "audience", "jwks-url"];
    Command::new("trust")
        .about("Let a client be known by signed assertions: workload identity federation, or keys of its own")
        .arg(positional("id", "The client_id"))
        .arg(
            value("issuer", "URL", "The iss of the assertions")
                .requires_all(["subject", "audience", "jwks-url"]),
        )
        .arg(value("subject", "TEXT", "Their sub").requires("issuer"))
        .arg(value("audience", "TEXT", "Their aud").requires("issuer"))
        .arg(value("jwks-url", "URL", "The keys of the issuer").requires("issuer"))
        .arg(flag("single-use", "Accept each assertion once; it needs a jti then").requires("issuer"))
        .arg(
            value("own-keys", "FILE", "A JWK Set with the client's own public keys")
                .conflicts_with_all(federated),
        )
        .arg(
            value("remove", "ID", "Remove a trust instead")
                .conflicts_with_all(federated)
                .conflicts_with("own-keys"),
        )
        .group(clap::ArgGroup::new("what").args(["issuer", "own-keys", "remove"]).required(true))
}

fn new_credential(command: Command) -> Command {
    command
        .arg(positional("name", "The name of the client, for logs and audit trails"))
        .arg(Arg::new("tenant").long("tenant").value_name("NAME").help("The tenant that it works in"))
        .arg(flag("read-only", "It may read and not write"))
}

fn with_lifetime(command: Command) -> Command {
    command
        .arg(expires("When the secret expires, such as 2027-06-30 or 400d; after two years by default"))
        .arg(flag("any-lifetime", "Allow less than one or more than three years"))
}

fn expires(help: &'static str) -> Arg {
    Arg::new("expires").long("expires").value_name("DAY").help(help)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}

fn positional(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name(name.to_ascii_uppercase()).help(help).required(true)
}
