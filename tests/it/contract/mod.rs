//! The contract of blocks: a good block keeps it, and every bad habit is caught by the promise that names it.

mod bad;
mod good;

use xblock_testkit::{Contract, PROMISES};

use self::good::GoodBlock;

xblock_testkit::block_contract!(good_block, crate::contract::good::contract);
xblock_testkit::block_contract!(stand_in, crate::contract::stand_in_contract);

fn stand_in_contract() -> Contract {
    Contract::of(xblock_testkit::StandIn::CLASS)
        .sample("a text", |bench| bench.field("data", "<p>Ebb &amp; flow</p>"))
        .html("data")
        .except("olx_round_trips", "", "it stands in for types whose OLX is their own XML")
}

#[test]
fn the_macro_tests_every_promise() {
    let names: Vec<_> = PROMISES.iter().map(|promise| promise.name).collect();
    assert_eq!(good_block::TESTED, names);
}

#[test]
fn every_promise_has_a_block_that_breaks_it() {
    let broken: Vec<_> = bad::CASES.iter().map(|case| case.promise).collect();
    for promise in PROMISES {
        assert!(broken.contains(&promise.name), "no bad block breaks {}", promise.name);
    }
}

#[test]
fn each_bad_habit_is_caught_by_the_promise_that_names_it() {
    for case in bad::CASES {
        let promise =
            PROMISES.iter().find(|promise| promise.name == case.promise).expect("the promise is one");
        let findings = (case.contract)().findings(promise);
        let found = findings.iter().find(|finding| finding.wrong.contains(case.wrong));
        let found = found
            .unwrap_or_else(|| panic!("{}: nobody finds {:?}, but {findings:#?}", case.promise, case.wrong));
        assert!(!found.mend.is_empty() && !found.place.is_empty(), "{found}");
    }
}

#[test]
fn a_broken_promise_says_what_where_and_how_to_mend_it() {
    let contract = || Contract::of(bad::Unnamed::CLASS);
    let panic =
        std::panic::catch_unwind(|| contract().keep("fields_are_described")).expect_err("it is broken");
    let text = panic.downcast_ref::<String>().expect("a text");
    for part in
        ["unnamed", "fields_are_described", "field `title`", "is a setting without a name", "display_name = "]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn an_exception_lets_one_place_be_and_is_missed_when_it_is_not_needed() {
    let excepted = || {
        Contract::of(bad::Unnamed::CLASS).except(
            "fields_are_described",
            "field `title`",
            "old content has it so",
        )
    };
    excepted().keep("fields_are_described");
    excepted().check_exceptions();
    let unneeded =
        Contract::of(GoodBlock::CLASS).except("fields_are_described", "field `title`", "no reason");
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| unneeded.check_exceptions())).is_err());
}
