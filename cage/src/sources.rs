//! The Python sources that run inside, carried in the program so that they need no place on disk.

/// What starts the caged process.
pub(crate) const BOOT: &str = include_str!("../python/boot.py");

macro_rules! sources {
    ($($folder:literal: $($path:literal),+);+ $(;)?) => {
        /// Path and text of every module that can be imported inside.
        pub(crate) const SOURCES: &[(&str, &str)] =
            &[$($(($path, include_str!(concat!("../python/", $folder, $path)))),+),+];
    };
}

sources! {
    "":
    "cage_runner/__init__.py",
    "cage_runner/lazy.py",
    "cage_runner/memory_modules.py",
    "cage_runner/random2.py",
    "cage_runner/runner.py",
    "cage_runner/safe_json.py",
    "cage_runner/zygote.py";
    // What scripts import.
    "lib/":
    "calc/__init__.py",
    "calc/calc.py",
    "calc/evaluate.py",
    "calc/formula.py",
    "calc/functions.py",
    "calc/preview.py",
    "chem/__init__.py",
    "chem/chemcalc.py",
    "chem/chemtools.py",
    "chem/miller.py",
    "eia.py",
    "loncapa/__init__.py",
    "loncapa/loncapa_check.py",
    "random2.py",
    "six.py",
    "symbolic/__init__.py",
    "symbolic/checker.py",
    "verifiers/__init__.py",
    "verifiers/draganddrop.py";
}
