//! Makes every panic a trap at once: the code that would put its message together is cut off.
//!
//! An artefact aborts on panic, and nobody can read the message: it has no imports. What std links to write one
//! is 3 kB gzip all the same, because tables keep it alive. Only functions that never return are cut, and formatting
//! only where nothing but panics used it; one that is not recognised by its name costs bytes, nothing else.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::collections::HashSet;
use walrus::ir::{Visitor, dfs_in_order};
use walrus::{ElementItems, ExportItem, FunctionBuilder, FunctionId, FunctionKind, Module};

/// Parts of the names of functions that never return.
const PANICS: [&str; 10] = [
    "core::panicking::",
    "rust_begin_unwind",
    "::unwrap_failed",
    "::expect_failed",
    "::assert_failed",
    "::slice_index_fail",
    "::panic_already_",
    "::capacity_overflow",
    "::raw_vec::handle_error",
    "::handle_alloc_error",
];
/// Parts of the names of functions that put messages together.
const FORMATTING: [&str; 3] = ["core::fmt::", "alloc::fmt::", "core::panic::PanicPayload"];

/// Cuts panics off.
pub(crate) fn trap(module: &mut Module) {
    let panics = named(module, &PANICS);
    replace(module, panics);
    let formatting = named(module, &FORMATTING);
    if used(module, &formatting).is_disjoint(&formatting) {
        replace(module, formatting);
    }
}

/// The functions whose names have one of these parts.
fn named(module: &Module, parts: &[&str]) -> HashSet<FunctionId> {
    let matches = |name: &str| {
        let name = format!("{:#}", rustc_demangle::demangle(name));
        parts.iter().any(|part| name.contains(part))
    };
    let local = module.funcs.iter().filter(|f| matches!(f.kind, FunctionKind::Local(_)));
    local.filter(|f| f.name.as_deref().is_some_and(matches)).map(walrus::Function::id).collect()
}

/// Makes a trap of each of these functions.
fn replace(module: &mut Module, functions: HashSet<FunctionId>) {
    for id in functions {
        let ty = module.types.get(module.funcs.get(id).ty());
        let (parameters, results) = (ty.params().to_vec(), ty.results().to_vec());
        let mut trap = FunctionBuilder::new(&mut module.types, &parameters, &results);
        trap.func_body().unreachable();
        let arguments = parameters.iter().map(|ty| module.locals.add(*ty)).collect();
        module.funcs.get_mut(id).kind = FunctionKind::Local(trap.local_func(arguments));
    }
}

/// What can be called: from the exports and through tables, but for what tables have of `formatting`.
fn used(module: &Module, formatting: &HashSet<FunctionId>) -> HashSet<FunctionId> {
    struct Calls<'a>(&'a mut Vec<FunctionId>);
    impl Visitor<'_> for Calls<'_> {
        fn visit_function_id(&mut self, id: &FunctionId) {
            self.0.push(*id);
        }
    }
    let mut next: Vec<FunctionId> = module.start.into_iter().collect();
    next.extend(module.exports.iter().filter_map(|export| match export.item {
        ExportItem::Function(id) => Some(id),
        _ => None,
    }));
    for element in module.elements.iter() {
        if let ElementItems::Functions(ids) = &element.items {
            next.extend(ids.iter().filter(|id| !formatting.contains(id)));
        }
    }
    let mut used = HashSet::new();
    while let Some(id) = next.pop() {
        if used.insert(id)
            && let FunctionKind::Local(function) = &module.funcs.get(id).kind
        {
            dfs_in_order(&mut Calls(&mut next), function, function.entry_block());
        }
    }
    used
}
