namespace FineTuneService.Engine.Models;

/// <summary>How a block's two branches meet the stream. Which norms there are, before or after a branch, is said by their names.</summary>
public enum Residual
{
    /// <summary>Attention is added, then the MLP reads the stream.</summary>
    Sequential,

    /// <summary>Both branches read the stream as it was before the block.</summary>
    Parallel,

    /// <summary>As sequential, and the stream goes on as the norm of each sum (OPT-350m, the first transformer).</summary>
    NormedSum,
}
