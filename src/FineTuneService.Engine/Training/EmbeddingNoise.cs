using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>
/// NEFTune, https://arxiv.org/abs/2310.05914: uniform noise on the embeddings, within alpha / √(tokens · hidden) of a padded row, padding
/// included as in transformers. By counter: a resumed run draws the same.
/// </summary>
internal sealed class EmbeddingNoise(double alpha, ulong seed)
{
    /// <summary>Tells its stream of numbers from dropout's and the row order's.</summary>
    private const ulong Stream = 0x4E454654;

    /// <summary>Adds the noise of one micro batch.</summary>
    /// <param name="rows">Each sequence's index in the training data.</param>
    /// <param name="width">Tokens of a padded sequence.</param>
    /// <param name="wholeWidth">The same of the micro batch before it was divided for want of memory: the noise is that batch's.</param>
    public Action<Tensor> Of(int step, int[] rows, int width, int wholeWidth) => embedded =>
    {
        int hidden = (int)embedded.shape[1], length = width * hidden;
        float most = (float)(alpha / Math.Sqrt((double)wholeWidth * hidden));
        var noise = new float[rows.Length * length];
        Chunks.Run(rows.Length, row =>
        {
            var random = new CounterRandom(seed ^ Stream, ((ulong)step << 32) | (uint)rows[row]);
            for (int i = 0; i < length; i++) noise[row * length + i] = (2 * random.Unit((ulong)i) - 1) * most;
        });
        using Tensor added = tensor(noise, [rows.Length * width, hidden], dtype: ScalarType.Float32, device: embedded.device);
        embedded.add_(added);
    };
}
