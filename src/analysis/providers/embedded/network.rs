//! One neural network and how it is run: on one thread a call, so that as many pictures as there are workers are looked
//! at side by side. Knows nothing of what the numbers mean.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use rten::{Model, NodeId, RunOptions, ThreadPool};
use rten_tensor::prelude::AsView;
use rten_tensor::{NdTensor, Tensor};

use super::Error;
use crate::analysis::Failure;
use crate::{faults, panics};

/// Pools of one thread each, lent to one call at a time. There are as many as there ever were calls at once: on a pool
/// that they share, they would compete for its threads.
#[derive(Default)]
pub(super) struct Lanes {
    idle: Mutex<Vec<Arc<ThreadPool>>>,
}

impl Lanes {
    /// Lends a pool, which is made where none is idle.
    pub(super) fn with<T>(&self, run: impl FnOnce(&Arc<ThreadPool>) -> T) -> T {
        let idle = self.idle().pop();
        let lane = idle.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)));
        let result = run(&lane);
        self.idle().push(lane);
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<ThreadPool>>> {
        self.idle.lock()
    }
}

/// A loaded network with one input of square pictures and one output that is asked for.
pub(super) struct Network {
    model: Model,
    input: NodeId,
    output: NodeId,
    side: usize,
}

impl Network {
    pub(super) fn load(onnx: &'static [u8], output: &str, side: usize) -> Result<Self, Error> {
        let model = Model::load_static_slice(onnx).map_err(|e| Error::Load(e.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|e| Error::Load(e.to_string()));
        let (input, output) = (node("input")?, node(output)?);
        Ok(Self {
            model,
            input,
            output,
            side,
        })
    }

    /// Gives the numbers of the output; `planes` are the three colours, each `side * side` numbers.
    pub(super) fn run(
        &self,
        planes: Vec<f32>,
        lane: &Arc<ThreadPool>,
    ) -> Result<Vec<f32>, Failure> {
        let input = NdTensor::from_data([1, 3, self.side, self.side], planes);
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(lane)));
        // A panic is contained by thread, so it has to be where the network runs.
        let run = || {
            faults::may_panic("network");
            let inputs = vec![(self.input, input.into())];
            self.model.run_n(inputs, [self.output], Some(options))
        };
        let [output] = lane
            .run(|| panics::contained(run))
            .map_err(|panic| permanent(format!("it broke down: {}", panics::message(&panic))))?
            .map_err(|e| permanent(e.to_string()))?;
        let output = Tensor::<f32>::try_from(output).map_err(|e| permanent(e.to_string()))?;
        Ok(output.to_vec())
    }
}

pub(super) fn permanent(reason: String) -> Failure {
    Failure::Permanent { reason }
}
