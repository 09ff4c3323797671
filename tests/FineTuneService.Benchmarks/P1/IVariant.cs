namespace FineTuneService.Benchmarks.P1;

/// <summary>One way to do P1's step: forward, backward, clipping and AdamW's update.</summary>
internal interface IVariant : IDisposable
{
    /// <returns>The loss, from before the update.</returns>
    double Step();
}
