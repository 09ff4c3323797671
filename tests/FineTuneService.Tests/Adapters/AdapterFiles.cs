using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tests.Formats;
using FineTuneService.Models;
using static TorchSharp.torch;

namespace FineTuneService.Tests.Adapters;

/// <summary>Adapters for the embedded base as PEFT would save them, and zips of them.</summary>
internal static class AdapterFiles
{
    public const string Config = "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 4, \"target_modules\": [\"q_proj\"]}";

    public static byte[] ConfigBytes => Encoding.UTF8.GetBytes(Config);

    /// <summary>Tensors for <see cref="Config"/>.</summary>
    /// <param name="change">Replaces one of them.</param>
    public static byte[] Weights(float fill = 0.01f, Action<Dictionary<string, Tensor>>? change = null)
    {
        ModelConfig model = ModelConfig.Load(Path.Combine(EmbeddedModels.Root, TestService.BaseModel));
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        foreach ((string key, View view) in LoraLayout.Of(model.Slots, PeftConfig.Parse(Config)).Views) tensors[key] = full(view.Shape, fill);
        change?.Invoke(tensors);
        string path = Path.GetTempFileName();
        try
        {
            SafetensorsWriter.Write(path, tensors);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The tensors of a safetensors file as torch.save writes them.</summary>
    public static byte[] Pickled(byte[] safetensors)
    {
        using var scope = NewDisposeScope();
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, safetensors);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            return TorchTestFile.Zip(file.Names.Select(name => KeyValuePair.Create(name, file.Read(name))));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>A zip with these entries, in this order.</summary>
    public static byte[] Zip(params IEnumerable<(string Name, byte[] Bytes)> entries)
    {
        var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in entries)
            {
                using Stream entry = archive.CreateEntry(name, CompressionLevel.Fastest).Open();
                entry.Write(bytes);
            }
        }
        return zip.ToArray();
    }

    public static byte[] Zip() => Zip((PeftFolder.ConfigFile, ConfigBytes), (PeftFolder.WeightsFile, Weights()));

    public static MultipartFormDataContent Form(byte[] zip, string model = TestService.BaseModel) => Form(new ByteArrayContent(zip), model);

    public static MultipartFormDataContent Form(HttpContent zip, string model = TestService.BaseModel)
    {
        zip.Headers.ContentType = new MediaTypeHeaderValue("application/zip");
        return new() { { new StringContent(model), "model" }, { zip, "file", "adapter.zip" } };
    }
}
