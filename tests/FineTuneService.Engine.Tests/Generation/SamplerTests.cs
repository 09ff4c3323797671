using FineTuneService.Engine.Generation;

namespace FineTuneService.Engine.Tests.Generation;

public sealed class SamplerTests
{
    private static readonly double[] Probabilities = [0.05, 0.5, 0.15, 0.3];
    private static readonly float[] Logits = [.. Probabilities.Select(p => (float)Math.Log(p))];

    [Fact]
    public void Next_TemperatureZero_TakesTheFirstOfTheLargest() =>
        Assert.Equal(1, new Sampler(new SamplingParameters { Temperature = 0 }, []).Next([1, 3, 3, 2]));

    [Theory]
    [InlineData(1.0, 1.0, 0)]
    [InlineData(0.7, 1.0, 0)]
    [InlineData(1.0, 0.79, 0)]
    [InlineData(1.0, 0.81, 0)]
    [InlineData(1.0, 1.0, 3)]
    [InlineData(1.0, 0.6, 3)]
    [InlineData(2.0, 0.01, 0)]
    public void Next_ManyDraws_FollowTheProbabilities(double temperature, double topP, int topK)
    {
        const int Draws = 20_000;
        var sampler = new Sampler(new SamplingParameters { Temperature = temperature, TopP = topP, TopK = topK, Seed = 3 }, []);
        var counts = new int[Logits.Length];
        for (int i = 0; i < Draws; i++) counts[sampler.Next(Logits)]++;
        double[] expected = Expected(temperature, topP, topK);
        for (int id = 0; id < expected.Length; id++)
        {
            Assert.InRange(counts[id] / (double)Draws, expected[id] - 0.015, expected[id] + 0.015);
            Assert.Equal(expected[id] == 0, counts[id] == 0);
        }
    }

    /// <summary>Temperature, the k most likely, then the fewest of them that reach p; by ranks, without a shortcut.</summary>
    private static double[] Expected(double temperature, double topP, int topK)
    {
        double[] weights = [.. Probabilities.Select(p => Math.Pow(p, 1 / temperature))];
        int[] ranked = [.. Enumerable.Range(0, weights.Length).OrderByDescending(id => weights[id]).Take(topK == 0 ? weights.Length : topK)];
        double all = ranked.Sum(id => weights[id]);
        int count = Enumerable.Range(1, ranked.Length).First(n => n == ranked.Length || ranked.Take(n).Sum(id => weights[id]) >= topP * all);
        double kept = ranked.Take(count).Sum(id => weights[id]);
        return [.. weights.Select((weight, id) => ranked.Take(count).Contains(id) ? weight / kept : 0)];
    }
}
