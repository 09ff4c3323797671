using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>The embedded base's folder, as a cache of links, and with one file after the other damaged: each is named, before weights are loaded.</summary>
public sealed class DamagedFolderTests : IDisposable
{
    private static readonly string Whole = Path.Combine(Shared.Repository, "src/FineTuneService/BaseModel/talers-2m");
    private readonly TemporaryFolder _folder = new();

    public DamagedFolderTests()
    {
        foreach (string file in Directory.EnumerateFiles(Whole)) File.Copy(file, In(Path.GetFileName(file)));
        _folder.Write("generation_config.json", "{\"eos_token_id\": 1}");
        _folder.Write("chat_template.jinja", "{{ messages[0].content }}");
        _folder.Write("special_tokens_map.json", "{}");
        _folder.Write("added_tokens.json", "{}");
    }

    public static TheoryData<string> Files =>
        ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json", "chat_template.jinja", "model.safetensors"];

    public static TheoryData<string> JsonFiles => [.. Files.Select(row => row.Data).Where(name => name.EndsWith(".json", StringComparison.Ordinal))];

    [Fact]
    public void Load_CacheOfLinks_IsTheSameModel()
    {
        string blobs = Directory.CreateDirectory(In("blobs")).FullName, snapshot = Directory.CreateDirectory(In("snapshots/abc")).FullName;
        foreach (string file in Directory.EnumerateFiles(_folder.Path))
        {
            File.Copy(file, Path.Combine(blobs, "x" + Path.GetFileName(file)));
            File.CreateSymbolicLink(Path.Combine(snapshot, Path.GetFileName(file)), "../../blobs/x" + Path.GetFileName(file));
        }
        using BaseModel plain = BaseModel.Load(_folder.Path, BasePrecision.Fp32), linked = BaseModel.Load(snapshot, BasePrecision.Fp32);
        Assert.Equal(BaseBytes.Hash(plain), BaseBytes.Hash(linked));
        Assert.Equal(plain.ChatTemplate!.Source, linked.ChatTemplate!.Source);
        Assert.Equal(plain.Tokenizer.VocabularySize, linked.Tokenizer.VocabularySize);
        Assert.Equal(new FileInfo(In("model.safetensors")).Length, FolderFile.Length(Path.Combine(snapshot, "model.safetensors")));
        linked.Save(In("copy"), ComputeDtype.Fp32);
        Assert.All(Directory.EnumerateFiles(In("copy")), file => Assert.Null(new FileInfo(file).LinkTarget));
    }

    [Theory, MemberData(nameof(Files))]
    public void Read_LinkThatLeadsNowhere_SaysThatTheFileIsMissing(string name)
    {
        File.Delete(In(name));
        File.CreateSymbolicLink(In(name), "../../blobs/none");
        Assert.Contains($"{name} is missing", Refusal());
        File.Delete(In(name));
        File.CreateSymbolicLink(In(name), name); // A link to itself.
        Assert.Contains($"{name} is missing", Refusal());
    }

    [Theory, MemberData(nameof(Files))]
    public void Read_EmptyFileOrAFolderInItsPlace_IsNamed(string name)
    {
        _folder.Write(name, "");
        Assert.Contains($"{name} is empty", Refusal());
        File.Delete(In(name));
        Directory.CreateDirectory(In(name));
        Assert.Contains($"{name} is a folder", Refusal());
    }

    [Theory, MemberData(nameof(JsonFiles))]
    public void Read_FileThatIsNoObject_IsNamed(string name)
    {
        foreach (string text in new[] { "[]", "\"text\"", "5", "null", "true", "{", "no JSON", "{\"\\ud800\": 1}", File.ReadAllText(In(name))[..^1] })
        {
            _folder.Write(name, text);
            Assert.Contains(name, Refusal());
        }
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    public void Read_WithoutAFileThatMustBe_SaysSo(string name)
    {
        File.Delete(In(name));
        Assert.Contains($"{name} is missing", Refusal());
    }

    [Theory]
    [InlineData("tokenizer.json", "{}")]
    [InlineData("tokenizer.json", "{\"model\": null}")]
    [InlineData("tokenizer.json", "{\"model\": []}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": [], \"merges\": {}}}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": \"b\"}, \"merges\": []}}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 99999999999}, \"merges\": []}}")]
    [InlineData("tokenizer.json", "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"\\ud800\": 0}, \"merges\": []}}")]
    [InlineData("tokenizer.json", "{\"added_tokens\": 5, \"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}}")]
    [InlineData("tokenizer.json", "{\"added_tokens\": [null], \"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}}")]
    [InlineData("tokenizer.json", "{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\"}, \"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}}")]
    [InlineData("tokenizer_config.json", "{\"bos_token\": 5}")]
    [InlineData("tokenizer_config.json", "{\"eos_token\": [\"a\"]}")]
    [InlineData("tokenizer_config.json", "{\"eos_token\": \"\\ud800\"}")]
    [InlineData("tokenizer_config.json", "{\"chat_template\": 5}", true)]
    [InlineData("tokenizer_config.json", "{\"chat_template\": [{\"name\": 5}]}", true)]
    [InlineData("tokenizer_config.json", "{\"chat_template\": \"{% if %}\"}", true)]
    [InlineData("generation_config.json", "{\"eos_token_id\": \"x\"}")]
    [InlineData("generation_config.json", "{\"eos_token_id\": {\"a\": 1}}")]
    [InlineData("chat_template.jinja", "{% for m in messages %}")]
    [InlineData("chat_template.jinja", "{{ 1 + }}")]
    public void Read_FieldOfTheWrongType_NamesItsFile(string name, string text, bool only = false)
    {
        if (only) File.Delete(In("chat_template.jinja")); // It would go before the other.
        _folder.Write(name, text);
        Assert.Contains(name, Refusal());
    }

    private string Refusal()
    {
        try
        {
            ModelText.Load(_folder.Path).CheckWeights();
        }
        catch (Exception refused) when (refused is ModelException or SafetensorsException)
        {
            Assert.DoesNotContain("System.", refused.Message);
            Assert.DoesNotContain("FineTuneService", refused.Message.Replace(_folder.Path, ""));
            return refused.Message;
        }
        Assert.Fail("the folder was taken");
        return "";
    }

    public void Dispose() => _folder.Dispose();

    private string In(string name) => Path.Combine(_folder.Path, name);
}
