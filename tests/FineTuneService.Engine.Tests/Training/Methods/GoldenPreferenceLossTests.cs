using System.Globalization;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Training.Methods;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training.Methods;

/// <summary>Preference losses and their gradients against TRL's own code (golden/dpo/losses).</summary>
public sealed class GoldenPreferenceLossTests
{
    public static TheoryData<string> Names() => Shared.Present ? [.. Manifest().Select(entry => (string)entry!["name"]!)] : [""];

    [Theory, MemberData(nameof(Names))]
    public void Of_GoldenPairs_MatchesTrl(string name)
    {
        using var scope = NewDisposeScope();
        JsonObject entry = Manifest().First(entry => (string)entry!["name"]! == name)!.AsObject();
        Dictionary<string, Tensor> wanted = TensorFile.Read(Shared.Path("golden", "dpo", "losses", name + ".safetensors"));
        Preference[] pairs = Pairs();
        PreferenceLoss[] made = Losses(entry, pairs);
        double worst = Near(Numbers(wanted["loss"])[0], made.Average(loss => loss.Value), "loss");
        for (int i = 0; i < made.Length; i++)
        {
            if (wanted.TryGetValue("losses", out Tensor? each)) worst = Math.Max(worst, Near(Numbers(each)[i], made[i].Value, $"loss of pair {i}"));
            Near(Numbers(wanted["grad_policy_chosen"])[i] * made.Length, made[i].ByChosen, $"gradient of pair {i}'s chosen");
            Near(Numbers(wanted["grad_policy_rejected"])[i] * made.Length, made[i].ByRejected, $"gradient of pair {i}'s rejected");
        }
        Fidelity.Passed("dpo losses", name, string.Create(CultureInfo.InvariantCulture, $"losses and gradients equal; largest difference of a loss {worst:0.0e+0}"));
    }

    [Fact]
    public void Of_RewardsOfTheStart_AreZeroAndNotRight()
    {
        PreferenceStatistics start = PreferenceSums.Of(new Preference(-3, -4, -3, -4, 2, 3), 0.1).Means!;
        Assert.Equal(new PreferenceStatistics(0, 0, 0, -3, -4), start);
    }

    /// <summary>TRL's ORPO adds the better answer's mean cross-entropy to the penalty.</summary>
    [Fact]
    public void Of_Orpo_IsThePenaltyAndTheCrossEntropy()
    {
        var pair = new Preference(-6, -10, 0, 0, 4, 5);
        PreferenceLoss penalty = Orpo.OddsRatio(pair, 0.1), whole = PreferenceLosses.Of([pair], new DpoConfig { Loss = "orpo" })[0];
        Assert.Equal(penalty.Value + 1.5, whole.Value, 1e-12);
        Assert.Equal((penalty.ByChosen - 0.25, penalty.ByRejected), (whole.ByChosen, whole.ByRejected));
        Assert.True(double.IsFinite(Orpo.OddsRatio(new Preference(0, -1, 0, 0, 2, 2), 0.1).ByChosen));
    }

    [Theory, InlineData("sigmoid", "other"), InlineData("aot", "forward_kl"), InlineData("simpo", "js_divergence")]
    public void Require_ADivergenceThatTheLossDoesNotRead_IsRefused(string loss, string divergence) =>
        Assert.Contains("divergence", Assert.Throws<ArgumentException>(() => PreferenceLosses.Require(new DpoConfig { Loss = loss, Divergence = divergence })).Message);

    [Theory, InlineData("kto", 0.1, 0), InlineData("sigmoid", 0, 0), InlineData("sigmoid", 0.1, 0.5), InlineData("ipo", 0.1, 0.1), InlineData("exo_pair", 0.1, 0)]
    public void Require_WhatHasNoMeaning_IsRefused(string loss, double beta, double smoothing) =>
        Assert.Throws<ArgumentException>(() => PreferenceLosses.Require(new DpoConfig { Loss = loss, Beta = beta, LabelSmoothing = smoothing }));

    private static JsonArray Manifest() => JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "dpo", "losses", "manifest.json")))!.AsArray();

    /// <summary>ORPO's file has the penalty alone; KTO's loss is of answers, not of pairs.</summary>
    private static PreferenceLoss[] Losses(JsonObject entry, Preference[] pairs)
    {
        double beta = (double)entry["beta"]!;
        switch ((string)entry["code"]!)
        {
            case "trl_orpo": return [.. pairs.Select(pair => Orpo.OddsRatio(pair, beta))];
            case "trl_kto":
                var kto = new Kto(beta, (double)entry["desirable"]!, (double)entry["undesirable"]!, (double)entry["kl"]!);
                return [.. pairs.Select(kto.Of)];
        }
        var dpo = new DpoConfig
        {
            Loss = (string)entry["loss_type"]!,
            Beta = beta,
            LabelSmoothing = (double?)entry["label_smoothing"] ?? 0,
            Divergence = (string?)entry["f_divergence"] ?? DpoConfig.ReverseKl,
            Gamma = (double?)entry["gamma"] ?? 0.5,
        };
        if (!PreferenceLosses.Names.Contains(dpo.Loss)) Fidelity.Skipped("dpo losses", (string)entry["name"]!, $"loss_type {dpo.Loss} is not supported");
        return PreferenceLosses.Of(pairs, dpo);
    }

    private static Preference[] Pairs()
    {
        Dictionary<string, double[]> stored = TensorFile.Read(Shared.Path("golden", "dpo", "losses", "log-probabilities.safetensors"))
            .ToDictionary(tensor => tensor.Key, tensor => Numbers(tensor.Value));
        return [.. Enumerable.Range(0, stored["policy_chosen"].Length).Select(i => new Preference(
            stored["policy_chosen"][i], stored["policy_rejected"][i], stored["ref_chosen"][i], stored["ref_rejected"][i],
            (int)stored["chosen_lengths"][i], (int)stored["rejected_lengths"][i]))];
    }

    private static double[] Numbers(Tensor tensor) => tensor.to_type(ScalarType.Float64).reshape(-1).data<double>().ToArray();

    /// <summary>The reference computes in fp32: README's 1e-5, and as much absolutely where a loss is small.</summary>
    private static double Near(double wanted, double made, string what)
    {
        double difference = Math.Abs(made - wanted) / (1 + Math.Abs(wanted));
        Assert.True(difference <= 2e-5, $"{what} is {made} instead of {wanted}");
        return difference;
    }
}
