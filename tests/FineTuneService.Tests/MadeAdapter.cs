using System.IO.Compression;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests;

/// <summary>An adapter of the embedded base in PEFT's format, made without training.</summary>
internal static class MadeAdapter
{
    private const int Rank = 2, Hidden = 192, Intermediate = 512, Layers = 4;

    /// <param name="poison">Takes the place of one number of B.</param>
    public static Dictionary<string, byte[]> Files(int seed, float? poison = null, string? chatTemplate = null)
    {
        var files = new Dictionary<string, byte[]>
        {
            ["adapter_config.json"] = Encoding.UTF8.GetBytes($$"""{"peft_type": "LORA", "r": {{Rank}}, "lora_alpha": 4, "target_modules": ["down_proj"]}"""),
            ["adapter_model.safetensors"] = Weights(new Random(seed), poison),
        };
        if (chatTemplate is not null) files["chat_template.jinja"] = Encoding.UTF8.GetBytes(chatTemplate);
        return files;
    }

    /// <summary>Puts an adapter's files into a folder.</summary>
    public static void Write(string folder, int seed, float? poison = null)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, byte[] bytes) in Files(seed, poison)) File.WriteAllBytes(Path.Combine(folder, name), bytes);
    }

    /// <returns>The uploaded adapter's body: its id, and its name as a model.</returns>
    public static async Task<JsonNode> UploadAdapter(this HttpClient client, int seed, float? poison = null, string? chatTemplate = null)
    {
        var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes) in Files(seed, poison, chatTemplate))
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(bytes);
            }
        }
        using var form = new MultipartFormDataContent { { new StringContent(TestService.BaseModel), "model" }, { new ByteArrayContent(zip.ToArray()), "file", "adapter.zip" } };
        HttpResponseMessage answer = await client.PostAsync("/v1/adapters", form);
        string body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, body);
        return JsonNode.Parse(body)!;
    }

    /// <summary>The answer's text; it must be a whole one.</summary>
    public static async Task<string> Chat(this HttpClient client, string model, int maxTokens = 8, string question = "Repeat: red stone", double temperature = 0) =>
        (string)(await client.Post("/v1/chat/completions", Question(model, maxTokens, question, temperature)))["choices"]![0]!["message"]!["content"]!;

    /// <summary>The lines of a streamed answer's events.</summary>
    public static async Task<string[]> Streamed(this HttpClient client, string model, int maxTokens = 8, string question = "Repeat: red stone")
    {
        HttpResponseMessage answer = await client.PostAsJsonAsync("/v1/chat/completions", Question(model, maxTokens, question, 0, stream: true));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return [.. (await answer.Content.ReadAsStringAsync()).Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line[6..])];
    }

    public static object Question(string model, int maxTokens, string question, double temperature, bool stream = false) =>
        new { model, messages = new[] { new { role = "user", content = question } }, max_tokens = maxTokens, temperature, stream };

    private static byte[] Weights(Random random, float? poison)
    {
        var header = new JsonObject();
        var values = new List<float>();
        for (int layer = 0; layer < Layers; layer++)
        {
            Add($"base_model.model.model.layers.{layer}.mlp.down_proj.lora_A.weight", Rank, Intermediate, 0.05f);
            Add($"base_model.model.model.layers.{layer}.mlp.down_proj.lora_B.weight", Hidden, Rank, 2f);
        }
        if (poison is { } number) values[Rank * Intermediate] = number; // The first of the first B.
        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString());
        return [.. BitConverter.GetBytes((long)json.Length), .. json, .. MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(values))];

        void Add(string name, int rows, int columns, float scale)
        {
            int start = values.Count * sizeof(float);
            for (int i = 0; i < rows * columns; i++) values.Add(scale * (2 * random.NextSingle() - 1));
            header[name] = new JsonObject { ["dtype"] = "F32", ["shape"] = new JsonArray(rows, columns), ["data_offsets"] = new JsonArray(start, values.Count * sizeof(float)) };
        }
    }
}
