using FineTuneService.Engine.Lora;

namespace FineTuneService.Engine.Tests.Lora;

public sealed class LoraTargetsTests
{
    private const string Q0 = "model.layers.0.self_attn.q_proj", Q10 = "model.layers.10.self_attn.q_proj", Up1 = "model.layers.1.mlp.up_proj";

    [Fact]
    public void For_ListOfNames_MatchesLastPartsOnly()
    {
        var targets = new LoraTargets(new LoraConfig { TargetModules = ["q_proj", "mlp.up_proj"] });
        Assert.NotNull(targets.For(Q0));
        Assert.NotNull(targets.For(Up1));
        Assert.Null(targets.For("model.layers.0.self_attn.xq_proj"));
        Assert.Null(targets.For("model.layers.0.xmlp.up_proj"));
        targets.RequireAllMatched();
    }

    [Fact]
    public void For_Pattern_MatchesTheWholeName()
    {
        LoraTargets Of(string pattern) => new(new LoraConfig { TargetPattern = pattern });
        Assert.NotNull(Of(@".*layers\.\d\..*q_proj").For(Q0));
        Assert.Null(Of(@".*layers\.\d\..*q_proj").For(Q10));
        Assert.Null(Of("q_proj").For(Q0));
        Assert.Null(Of("model|x").For(Q0));
        Assert.NotNull(Of(@"(?P<start>model)\.(?!layers\.10).*").For(Q0));
    }

    [Fact]
    public void For_LayersToTransform_CountsThePatternsLists()
    {
        var any = new LoraTargets(new LoraConfig { TargetModules = ["q_proj"], LayersToTransform = [10] });
        Assert.Null(any.For(Q0));
        Assert.NotNull(any.For(Q10));
        Assert.Null(any.For("q_proj.x")); // No layer in its name.
        var named = new LoraTargets(new LoraConfig { TargetModules = ["q_proj"], LayersToTransform = [10], LayersPattern = ["h", "layers"] });
        Assert.NotNull(named.For(Q10));
        Assert.Null(named.For("model.blocks.10.q_proj"));
    }

    [Fact]
    public void For_RankAndAlphaPatterns_TakeTheFirstThatMatches()
    {
        var targets = new LoraTargets(new LoraConfig
        {
            Rank = 8,
            Alpha = 16,
            TargetModules = [LoraConfig.AllLinear],
            RankPattern = new Dictionary<string, int> { [@"layers\.1\..*"] = 4, ["up_proj"] = 2, ["_proj"] = 1 },
            AlphaPattern = new Dictionary<string, double> { ["mlp.up_proj"] = 32 },
            UseRslora = true,
        });
        Assert.Equal(new LoraSettings(4, 32 / Math.Sqrt(4)), targets.For(Up1));
        Assert.Equal(new LoraSettings(8, 16 / Math.Sqrt(8)), targets.For(Q10)); // _proj is no whole part of the name.
        Assert.Null(targets.For("lm_head", TargetKind.Head));
    }

    [Fact]
    public void For_ExcludedModules_AreLeftOut()
    {
        Assert.Null(new LoraTargets(new LoraConfig { ExcludeModules = ["0.self_attn.q_proj"] }).For(Q0));
        Assert.NotNull(new LoraTargets(new LoraConfig { ExcludeModules = ["0.self_attn.q_proj"] }).For(Q10));
        Assert.Null(new LoraTargets(new LoraConfig { ExcludePattern = @".*\.mlp\..*" }).For(Up1));
    }
}
