using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Lora;

/// <summary>Combinations against their equations, written out in plain loops over the adapters' numbers.</summary>
public sealed class CombinedAdapterTests : IDisposable
{
    private const string Q0 = "model.layers.0.self_attn.q_proj", Table = "model.embed_tokens";

    private readonly TemporaryFolder _folder = new();
    private readonly BaseModel _model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 1);

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(CombinationType.Cat, null)]
    [InlineData(CombinationType.Svd, 12)]
    public void Combine_CatAndSvdOfFullRank_AreTheSumOfWhatTheAdaptersDo(CombinationType type, int? rank)
    {
        Dictionary<string, double[,]> wanted = Sum(out WeightedAdapter[] adapters);
        using Adapter combined = Reloaded(Adapter.Combine(Tiny.Config, adapters, type, rank));
        Equal(wanted, combined);
        Assert.False(combined.Config.UseRslora);
        Assert.All(LowRank.Of(combined.Values), pair => Assert.Equal(1, pair.Scaling));
        int[] ranks = [.. LowRank.Of(combined.Values).Select(pair => pair.Rank).Distinct().Order()];
        Assert.Equal(type == CombinationType.Svd ? [12] : [1, 3, 4, 5], ranks);
    }

    [Fact]
    public void Combine_SvdOfALowerRank_IsTheBestApproximation()
    {
        Dictionary<string, double[,]> sum = Sum(out WeightedAdapter[] adapters);
        using Adapter combined = Reloaded(Adapter.Combine(Tiny.Config, adapters, CombinationType.Svd, rank: 2));
        using var scope = NewDisposeScope();
        foreach (LowRank pair in LowRank.Of(combined.Values))
        {
            Assert.Equal(2, pair.Rank);
            (Tensor u, Tensor s, Tensor vh) = linalg.svd(tensor(sum[pair.Module]), fullMatrices: false);
            Tensor best = (u.narrow(1, 0, 2) * s.narrow(0, 0, 2)).mm(vh.narrow(0, 0, 2));
            Assert.InRange(((tensor(Delta(pair)) - best).norm() / best.norm().clamp_min(1e-9)).item<double>(), 0, 1e-5);
        }
        using Adapter usual = Adapter.Combine(Tiny.Config, adapters, CombinationType.Svd);
        Assert.Equal(4, usual.Config.Rank); // The largest of the adapters' own.
    }

    [Fact]
    public void Combine_Linear_IsPeftsFormula()
    {
        LoraConfig config = new() { Rank = 3, Alpha = 6, TargetModules = ["q_proj", "down_proj"] };
        WeightedAdapter[] adapters = [Made("a", config, 0.7), Made("b", config with { Alpha = 5, UseRslora = true, TargetModules = ["q_proj"] }, -0.4), Made("c", config, 0)];
        Adapter[] loaded = [.. adapters.Select(adapter => Adapter.Load(adapter.Folder, _model))];
        using Adapter combined = Reloaded(Adapter.Combine(Tiny.Config, adapters, CombinationType.Linear));
        foreach (LowRank pair in LowRank.Of(combined.Values))
        {
            double[,] a = new double[pair.A.shape[0], pair.A.shape[1]], b = new double[pair.B.shape[0], pair.B.shape[1]];
            foreach ((WeightedAdapter adapter, Adapter from) in adapters.Zip(loaded))
            {
                if (LowRank.Of(from.Values).FirstOrDefault(own => own.Module == pair.Module) is not { } own) continue;
                double root = Math.Sqrt(Math.Abs(adapter.Weight) * own.Scaling);
                AddTo(a, own.A, Math.Sign(adapter.Weight) * root);
                AddTo(b, own.B, root);
            }
            Near(a, Values(pair.A));
            Near(b, Values(pair.B));
        }
        Assert.Equal(4, LowRank.Of(combined.Values).Count());
        foreach (Adapter adapter in loaded) adapter.Dispose();
    }

    [Theory]
    [InlineData("use_dora")]
    [InlineData("bias")]
    [InlineData("lora_bias")]
    [InlineData("modules_to_save")]
    [InlineData("trainable_token_indices")]
    [InlineData("LLaMA-Adapter")]
    public void Combine_WhatIsNoSum_IsRefusedByName(string option)
    {
        LoraConfig plain = new() { Rank = 2, Alpha = 4, TargetModules = ["q_proj"] };
        LoraConfig other = option switch
        {
            "use_dora" => plain with { UseDora = true },
            "bias" => plain with { Bias = LoraBias.All },
            "lora_bias" => plain with { BiasOfB = true },
            "modules_to_save" => plain with { ModulesToSave = ["lm_head"] },
            "trainable_token_indices" => plain with { TrainableTokenIndices = new Dictionary<string, IReadOnlyList<int>> { [""] = [3] } },
            _ => LoraConfig.OfPrompt(new AdaptionPromptConfig { Length = 2 }),
        };
        string message = Refusal(CombinationType.Cat, null, Made("plain", plain, 1), Made("other", other, 1));
        Assert.StartsWith("other: ", message);
        Assert.Contains(option, message);
    }

    [Fact]
    public void Combine_WhatDoesNotFit_SaysWhatToDo()
    {
        LoraConfig plain = new() { Rank = 2, Alpha = 4, TargetModules = ["q_proj"] };
        WeightedAdapter two = Made("two", plain, 1), three = Made("three", plain with { Rank = 3 }, 1);
        Assert.Contains("use cat or svd", Refusal(CombinationType.Linear, null, two, three));
        Assert.Contains("weight", Refusal(CombinationType.Cat, null, two, three with { Weight = double.NaN }));
        Assert.Contains("svd_rank 0", Refusal(CombinationType.Svd, 0, two, three));
        Assert.Contains("1 to 32 adapters", Refusal(CombinationType.Cat, null));
        WeightedAdapter large = Made("large", plain with { Rank = 1500 }, 1);
        Assert.Contains("combine fewer", Refusal(CombinationType.Cat, null, large, large));
        ModelConfig wider = Tiny.Config with { HiddenSize = 64 };
        Assert.StartsWith("two: ", Assert.Throws<AdapterException>(() => Adapter.Combine(wider, [two], CombinationType.Cat)).Message);
    }

    /// <summary>Three adapters that differ in rank, scaling, modules and kind, and what they do together, each entry a plain sum.</summary>
    private Dictionary<string, double[,]> Sum(out WeightedAdapter[] adapters)
    {
        adapters =
        [
            Made("a", new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ["q_proj", "embed_tokens", "up_proj"], RankPattern = new Dictionary<string, int> { ["layers.1.self_attn.q_proj"] = 2 } }, 0.7),
            Made("b", new LoraConfig { Rank = 1, Alpha = 3, UseRslora = true, TargetModules = ["q_proj", "lm_head"] }, -1.3),
            Made("c", new LoraConfig { Rank = 1, Alpha = 1, TargetModules = ["embed_tokens"] }, 2),
        ];
        var sum = new Dictionary<string, double[,]>();
        foreach (WeightedAdapter adapter in adapters)
        {
            using Adapter loaded = Adapter.Load(adapter.Folder, _model);
            foreach (LowRank pair in LowRank.Of(loaded.Values))
            {
                double[,] delta = Delta(pair);
                double[,] into = sum.TryGetValue(pair.Module, out double[,]? known) ? known : sum[pair.Module] = new double[delta.GetLength(0), delta.GetLength(1)];
                for (int i = 0; i < delta.GetLength(0); i++) for (int j = 0; j < delta.GetLength(1); j++) into[i, j] += adapter.Weight * delta[i, j];
            }
        }
        Assert.Contains(Q0, sum.Keys);
        Assert.Contains(Table, sum.Keys);
        return sum;
    }

    private WeightedAdapter Made(string name, LoraConfig config, double weight)
    {
        using Adapter adapter = Adapter.Create(_model, config, seed: (ulong)name[0]);
        using (NewDisposeScope()) adapter.Values.Flat.copy_(tensor(new CounterRandom((ulong)name[0], 7).Uniform(adapter.Values.Flat.numel(), -0.5f, 0.5f)));
        string folder = Path.Combine(_folder.Path, name);
        PeftFolder.Save(adapter, folder, "base");
        return new WeightedAdapter(name, folder, weight);
    }

    /// <summary>As it comes back from its files.</summary>
    private Adapter Reloaded(Adapter adapter)
    {
        string folder = Path.Combine(_folder.Path, "combined");
        using (adapter) PeftFolder.Save(adapter, folder, "base");
        return Adapter.Load(folder, _model);
    }

    private static string Refusal(CombinationType type, int? rank, params WeightedAdapter[] adapters) =>
        Assert.Throws<AdapterException>(() => Adapter.Combine(Tiny.Config, adapters, type, rank)).Message;

    private static void Equal(Dictionary<string, double[,]> wanted, Adapter adapter)
    {
        LowRank[] pairs = [.. LowRank.Of(adapter.Values)];
        Assert.Equal(wanted.Keys.Order(), pairs.Select(pair => pair.Module).Order());
        foreach (LowRank pair in pairs) Near(wanted[pair.Module], Delta(pair));
    }

    /// <summary>scaling · B·A.</summary>
    private static double[,] Delta(LowRank pair)
    {
        double[,] a = Values(pair.A), b = Values(pair.B), delta = new double[b.GetLength(0), a.GetLength(1)];
        for (int i = 0; i < b.GetLength(0); i++)
            for (int k = 0; k < a.GetLength(0); k++)
                for (int j = 0; j < a.GetLength(1); j++) delta[i, j] += pair.Scaling * b[i, k] * a[k, j];
        return delta;
    }

    private static void AddTo(double[,] sum, Tensor tensor, double factor)
    {
        double[,] values = Values(tensor);
        for (int i = 0; i < values.GetLength(0); i++) for (int j = 0; j < values.GetLength(1); j++) sum[i, j] += factor * values[i, j];
    }

    private static double[,] Values(Tensor tensor)
    {
        float[] flat = tensor.contiguous().data<float>().ToArray();
        var values = new double[tensor.shape[0], tensor.shape[1]];
        for (int i = 0; i < flat.Length; i++) values[i / (int)tensor.shape[1], i % (int)tensor.shape[1]] = flat[i];
        return values;
    }

    private static void Near(double[,] wanted, double[,] made)
    {
        double largest = wanted.Cast<double>().Max(Math.Abs);
        Assert.Equal((wanted.GetLength(0), wanted.GetLength(1)), (made.GetLength(0), made.GetLength(1)));
        Assert.All(wanted.Cast<double>().Zip(made.Cast<double>()), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 1e-5 * Math.Max(1, largest)));
    }
}
