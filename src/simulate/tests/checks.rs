//! What is said about files that are not as they should be.
use super::*;

#[test]
fn all_findings_of_a_file_at_once() {
    let text = std::fs::read_to_string(format!(
        "{}/tests/engine/fixtures/simulations/bad_users.yml",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap();
    insta::assert_snapshot!(findings(&text, &Project::tv_one()));
}

#[test]
fn unreachable_rules_name_the_rules_before_them() {
    let text = std::fs::read_to_string(format!(
        "{}/tests/engine/fixtures/simulations/unreachable.yml",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap();
    insta::assert_snapshot!(findings(&text, &Project::tv_one()));
}
