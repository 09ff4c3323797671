using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Lora;

/// <summary>Adapter folders that are not what they should be: refused by name, told without a tensor being loaded.</summary>
public sealed class PeftFolderTests : IDisposable
{
    private const string SomeTensor = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight";

    private readonly TemporaryFolder _folder = new();
    private readonly BaseModel _model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 1);

    public PeftFolderTests()
    {
        using Adapter adapter = WarmAdapter.Make(_model, seed: 2);
        PeftFolder.Save(adapter, _folder.Path, "tiny");
    }

    [Fact]
    public void Load_TargetsOfAnotherFamilyToo_LoadsWhatFits()
    {
        using Adapter before = Adapter.Load(_folder.Path, _model);
        ChangeConfig(config => config["target_modules"]!.AsArray().Add("W_pack"));
        using Adapter after = Adapter.Load(_folder.Path, _model);
        Assert.True(before.Values.Flat.Equals(after.Values.Flat));
    }

    [Fact]
    public void Load_TargetsOfAnotherFamilyOnly_IsRefused()
    {
        ChangeConfig(config => config["target_modules"] = new JsonArray("W_pack", "c_attn"));
        Assert.Contains("target_modules (W_pack, c_attn) name no linear layer", Refusal());
    }

    [Fact]
    public void Load_TensorsOfNoTarget_AreNamed()
    {
        ChangeTensors(tensors => tensors["base_model.model.model.layers.0.self_attn.W_pack.lora_A.weight"] = zeros(4, 32));
        Assert.Contains("W_pack.lora_A.weight belongs to no target module", Refusal());
    }

    [Theory]
    [InlineData("lora_alpha", "1e400")]
    [InlineData("lora_alpha", "-1e400")]
    [InlineData("lora_alpha", "0")]
    [InlineData("lora_alpha", "-8")]
    [InlineData("lora_alpha", "1e30")]
    [InlineData("lora_alpha", "\"8\"")]
    [InlineData("lora_alpha", "null")]
    [InlineData("r", "0")]
    [InlineData("r", "-4")]
    [InlineData("r", "2147483647")]
    [InlineData("r", "99999999999")]
    [InlineData("r", "4.5")]
    [InlineData("r", "null")]
    [InlineData("lora_dropout", "-0.1")]
    [InlineData("lora_dropout", "1.5")]
    [InlineData("lora_dropout", "1e400")]
    [InlineData("target_modules", "[]")]
    [InlineData("target_modules", "[5]")]
    [InlineData("target_modules", "[\"\\ud800\"]")]
    [InlineData("target_modules", "{}")]
    [InlineData("use_dora", "1")]
    [InlineData("modules_to_save", "[1]")]
    [InlineData("trainable_token_indices", "[-1]")]
    [InlineData("trainable_token_indices", "[3, 3]")]
    [InlineData("trainable_token_indices", "[100000]")]
    [InlineData("trainable_token_indices", "{\"embed_tokens\": 5}")]
    [InlineData("lora_bias", "\"yes\"")]
    [InlineData("use_rslora", "1")]
    [InlineData("rank_pattern", "{\"q_proj\": 0}")]
    [InlineData("rank_pattern", "{\"q_proj(\": 4}")]
    [InlineData("alpha_pattern", "{\"q_proj\": -1}")]
    [InlineData("layers_to_transform", "[0, \"1\"]")]
    [InlineData("layers_pattern", "[\"layers\"]")]
    [InlineData("target_modules", "\"(q_proj\"")]
    [InlineData("target_modules", "\"(.*.*.*.*.*.*.*.*.*.*.*)*z\"")]
    [InlineData("exclude_modules", "\"(\"")]
    [InlineData("bias", "\"some\"")]
    [InlineData("peft_type", "\"\\ud800\"")]
    public void Load_ConfigOutOfRange_IsRefusedByName(string option, string value)
    {
        string config = File.ReadAllText(In(PeftFolder.ConfigFile));
        JsonNode? was = JsonNode.Parse(config)![option];
        string text = was is null ? config.Replace("{\n", $"{{\n\"{option}\": {value},\n") : config;
        if (was is not null) ChangeConfig(json => json[option] = "(here)");
        if (was is not null) text = File.ReadAllText(In(PeftFolder.ConfigFile)).Replace("\"(here)\"", value);
        _folder.Write(PeftFolder.ConfigFile, text);
        string refusal = Refusal();
        Assert.True(refusal.Contains(option, StringComparison.Ordinal) || refusal.Contains("pattern", StringComparison.Ordinal), refusal);
    }

    [Theory]
    [InlineData(ScalarType.Int64, "I64")]
    [InlineData(ScalarType.Byte, "U8")]
    [InlineData(ScalarType.Bool, "BOOL")]
    public void Load_TensorOfWholeNumbers_IsNamed(ScalarType dtype, string name)
    {
        ChangeTensors(tensors => tensors[SomeTensor] = tensors[SomeTensor].to_type(dtype));
        Assert.Contains($"tensor {SomeTensor} is {name}", Refusal());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Load_TensorThatIsNotFinite_IsNamed(float value)
    {
        ChangeTensors(tensors => tensors[SomeTensor][47, 3] = value);
        Assert.Contains($"tensor {SomeTensor} holds NaN or infinity (element 191)", Refusal());
    }

    [Fact]
    public void Load_FileMissingOrUnusable_IsNamed()
    {
        foreach (string name in new[] { PeftFolder.ConfigFile, PeftFolder.WeightsFile })
        {
            byte[] whole = File.ReadAllBytes(In(name));
            foreach (byte[] bytes in new[] { [], "[]"u8.ToArray(), "\"text that is long enough\""u8.ToArray(), whole[..^3] })
            {
                File.WriteAllBytes(In(name), bytes);
                Assert.Contains(name, Refusal());
            }
            File.Delete(In(name));
            Assert.Contains($"{name} is missing", Refusal());
            File.CreateSymbolicLink(In(name), "nowhere");
            Assert.Contains($"{name} is missing", Refusal());
            File.Delete(In(name));
            File.WriteAllBytes(In(name), whole);
        }
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    /// <summary>What loading and checking alike say.</summary>
    private string Refusal()
    {
        Exception checking = Assert.ThrowsAny<Exception>(() => Adapter.Check(_folder.Path, _model.Config));
        Assert.True(checking is AdapterException or SafetensorsException, checking.ToString());
        Assert.Equal(checking.Message, Assert.ThrowsAny<Exception>(() => Adapter.Load(_folder.Path, _model)).Message);
        Assert.DoesNotContain("System.", checking.Message);
        return checking.Message;
    }

    private void ChangeConfig(Action<JsonObject> change)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(In(PeftFolder.ConfigFile)))!.AsObject();
        change(config);
        _folder.Write(PeftFolder.ConfigFile, config.ToJsonString(new() { WriteIndented = true }));
    }

    private void ChangeTensors(Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors = TensorFile.Read(In(PeftFolder.WeightsFile));
        change(tensors);
        SafetensorsWriter.Write(In(PeftFolder.WeightsFile), tensors);
    }

    private string In(string name) => Path.Combine(_folder.Path, name);
}
