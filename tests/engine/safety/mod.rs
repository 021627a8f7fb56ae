//! Materializations, snapshots, seeds and tests: what must hold whatever happens.
mod dependants;
mod faults;
mod microbatch;
mod more;
mod odd;
mod options;
mod publish;
mod seeds;
