namespace FineTuneService.Engine.Models;

/// <summary>ALiBi's slopes, https://arxiv.org/abs/2108.12409: powers of 2^(-8/heads), rounded to bf16 as Falcon has them.</summary>
internal static class AlibiSlopes
{
    public static float[] Of(int heads)
    {
        int power = 1;
        while (2 * power <= heads) power *= 2;
        // Heads beyond a power of two take every other slope of the next one.
        IEnumerable<double> slopes = [.. Powers(power, 1, power), .. Powers(2 * power, 2, heads - power)];
        return [.. slopes.Select(slope => (float)slope).Select(Rounded)];
    }

    private static IEnumerable<double> Powers(int heads, int step, int count) =>
        Enumerable.Range(0, count).Select(i => Math.Pow(2, -8.0 / heads * (1 + i * step)));

    private static float Rounded(float value) => (float)(TorchSharp.BFloat16)value;
}
