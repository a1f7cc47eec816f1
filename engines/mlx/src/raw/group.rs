//! Processes that train together, through one of MLX's own back ends.
//!
//! Which processes these are is told by the environment that whoever started them has set (`MLX_RANK` and
//! `MLX_HOSTFILE` for the ring). The ring has no authentication: it is for one machine or a trusted network.

#![expect(
    unsafe_code,
    reason = "mlx-rs does not wrap MLX's distributed functions; each call states why it is sound"
)]

use mlx_rs::Array;
use mlx_sys::mlx_distributed_group;

use crate::error::{Error, Result};

/// A group of processes, this one included.
#[derive(Debug)]
pub struct Group {
    handle: mlx_distributed_group,
    rank: usize,
    ranks: usize,
}

impl Group {
    /// Joins the group that the environment names, and waits until the others have.
    ///
    /// # Errors
    /// A request error if the environment names none, or one of another size; an internal error if the others
    /// cannot be reached.
    pub fn join(ranks: usize) -> Result<Self> {
        // SAFETY: the out-pointer is written once and read only on success; a null back end lets MLX choose.
        let (handle, status) = unsafe {
            let mut handle = mlx_sys::mlx_distributed_group_new();
            let status = mlx_sys::mlx_distributed_init(&raw mut handle, true, std::ptr::null());
            (handle, status)
        };
        if status != 0 || handle.ctx.is_null() {
            return Err(Error::request("the processes that train together cannot be reached")
                .hint("check MLX_RANK and MLX_HOSTFILE, and that every rank was started"));
        }
        // SAFETY: the handle is live until drop.
        let [rank, size] = unsafe {
            [mlx_sys::mlx_distributed_group_rank(handle), mlx_sys::mlx_distributed_group_size(handle)]
        };
        let group = Self {
            handle,
            rank: usize::try_from(rank).unwrap_or(0),
            ranks: usize::try_from(size).unwrap_or(0),
        };
        if group.ranks == ranks {
            return Ok(group);
        }
        Err(Error::request(format!("{} ranks are training together, not {ranks}", group.ranks))
            .hint("the hostfile and the number of ranks must agree"))
    }

    /// This process's place, from 0.
    #[must_use]
    pub const fn rank(&self) -> usize {
        self.rank
    }

    /// How many processes there are.
    #[must_use]
    pub const fn ranks(&self) -> usize {
        self.ranks
    }

    /// Adds lists of one length over all ranks; every rank gets the same bits.
    ///
    /// # Errors
    /// An internal error if another rank is gone.
    pub fn sum(&self, numbers: &[f32]) -> Result<Vec<f32>> {
        let length = i32::try_from(numbers.len())
            .map_err(|_| Error::request("more than 2^31 numbers cannot be summed over ranks"))?;
        let own = Array::from_slice(numbers, &[length]);
        // SAFETY: group and array are live for the call; the stream handle is freed once; the result is a new
        // handle that this side owns.
        let sum = unsafe {
            let stream = mlx_sys::mlx_default_cpu_stream_new();
            let mut sum = mlx_sys::mlx_array_new();
            let status = mlx_sys::mlx_distributed_all_sum(&raw mut sum, own.as_ptr(), self.handle, stream);
            mlx_sys::mlx_stream_free(stream);
            (status == 0).then(|| Array::from_ptr(sum))
        };
        let sum = sum.ok_or_else(|| Error::internal("mlx cannot add over the ranks"))?;
        Ok(sum.try_as_slice::<f32>()?.to_vec())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // SAFETY: the handle came from `mlx_distributed_init` and is not used again.
        unsafe { mlx_sys::mlx_distributed_group_free(self.handle) };
    }
}
