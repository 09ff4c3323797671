using System.IO.Compression;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Benchmarks.Fuzz;

/// <summary>The kinds of input, each with valid ones made of the embedded base and of what the service itself has trained.</summary>
internal sealed class FuzzKinds(HttpClient admin, HttpClient tenant, string folder)
{
    private const string Base = "talers-2m";
    private static readonly string BaseFolder = Path.Combine(AppContext.BaseDirectory, "BaseModel", Base);

    private static readonly string[] Json = ["{", "}", "[", "]", ",", ":", "\"", "null", "true", "1e999", "\\u0000", "\\ud800", "\n", "{\"prompt\":\"a\",\"completion\":\"b\"}\n", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}\n"];
    private static readonly string[] Jinja = ["{{", "}}", "{%", "%}", "{% for m in messages %}", "{% endfor %}", "{% if true %}", "{% endif %}", "{{ messages[0].content }}", "{{ 9**9**9 }}", "{% for i in range(10**9) %}", "|tojson", "|length", "{% set x = x ~ x %}", "{% macro m() %}{{ m() }}{% endmacro %}", "namespace(a=1)"];

    private int _number;

    /// <summary>What the service takes in each kind; a kind whose valid inputs cannot be had here is left out.</summary>
    public async Task<IReadOnlyList<FuzzKind>> All()
    {
        byte[] zip = await Trained();
        string gguf = Path.Combine(Environment.GetEnvironmentVariable("SHARED") ?? "../shared", "golden", "models", "gguf", "gemma2-gguf.Q8_0.gguf");
        var kinds = new List<FuzzKind>
        {
            new("jsonl", [Rows(i => $$"""{"prompt": "count from {{i}}", "completion": " {{i + 1}}"}"""), Rows(i => $$"""{"messages": [{"role": "user", "content": "say {{i}}"}, {"role": "assistant", "content": "{{i}}", "weight": 1}]}""")], Json, input => Dataset(input, "rows.jsonl")),
            new("csv", [Encoding.UTF8.GetBytes("prompt,completion\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"\"count, {i}\",{i + 1}\n")))], ["\"", ",", "\n", "\r\n", "\"\"", "\0", ";", "\ufeff"], input => Dataset(input, "rows.csv")),
            new("safetensors", [Entry(zip, "adapter_model.safetensors")], [.. Json, "F32", "BF16", "dtype", "shape", "data_offsets"], input => Adapter(Replace(zip, "adapter_model.safetensors", input))),
            new("zip", [zip], ["PK\u0003\u0004", "PK\u0001\u0002", "PK\u0005\u0006", "../../", "adapter_config.json", "chat_template.jinja"], Adapter) { Inside = ZipMutator.Mutate },
            new("peft_config", [Entry(zip, "adapter_config.json")], [.. Json, "r", "lora_alpha", "target_modules", "all-linear", "rank_pattern"], input => Adapter(Replace(zip, "adapter_config.json", input))) { Inside = Tree },
            new("template", [Encoding.UTF8.GetBytes("{% for m in messages %}{{ m.role }}: {{ m.content | trim }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}")], Jinja, input => Template(Replace(zip, "chat_template.jinja", input))),
            new("tokenizer", [File.ReadAllBytes(Path.Combine(BaseFolder, "tokenizer.json"))], [.. Json, "\"vocab\"", "\"merges\"", "\"added_tokens\"", "Regex", "(a+)+$"], Tokenizer) { Inside = Tree },
            new("config", [File.ReadAllBytes(Path.Combine(BaseFolder, "config.json"))], [.. Json, "llama", "hidden_size", "rope_theta"], Config) { Inside = Tree },
            new("body", FuzzBodies.All((await tenant.GetFromJsonAsync<JsonNode>("/swagger/v1/swagger.json"))!, Base, await Upload(Rows(i => $$"""{"prompt": "count from {{i}}", "completion": " {{i + 1}}"}"""), "kept.jsonl")), [.. Json, "\"stream\": true", "\"n\": 99999", "\"logit_bias\": {\"1\": 1e9}"], Body) { Inside = (input, _, random) => FuzzBodies.Mutate(input, random) },
        };
        if (File.Exists(gguf)) kinds.Add(new("gguf", [File.ReadAllBytes(gguf)], ["GGUF", "general.architecture", "general.alignment", "tokenizer.ggml.tokens", "\0\0\0\0\0\0\0\0"], Gguf));
        else Console.WriteLine($"gguf is left out: {gguf} is not there; set SHARED");
        return kinds;
    }

    private static byte[] Tree(byte[] input, FuzzKind kind, Random random) => JsonMutator.Mutate(input, random);

    private static byte[] Rows(Func<int, string> row) => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 20).Select(i => row(i) + "\n")));

    private async Task<byte[]> Trained()
    {
        string file = await Upload(Rows(i => $$"""{"prompt": "count from {{i}}", "completion": " {{i + 1}}"}"""), "rows.jsonl");
        JsonNode job = (await (await tenant.PostAsJsonAsync("/v1/fine_tuning/jobs", new { model = Base, training_file = file, lora = new { rank = 2 }, training = new { max_steps = 1 } })).Content.ReadFromJsonAsync<JsonNode>())!;
        while ((string?)job["status"] is not ("succeeded" or "failed")) job = (await tenant.GetFromJsonAsync<JsonNode>($"/v1/fine_tuning/jobs/{job["id"]}"))!;
        JsonNode adapters = (await tenant.GetFromJsonAsync<JsonNode>("/v1/adapters"))!;
        byte[] zip = await tenant.GetByteArrayAsync($"/v1/adapters/{adapters["data"]![0]!["id"]}/content");
        return Replace(zip, "receipt.json", null); // With it, everything that is changed would be refused for that alone.
    }

    private async Task<string> Upload(byte[] bytes, string name)
    {
        using var form = new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { new ByteArrayContent(bytes), "file", name } };
        return (string)(await (await tenant.PostAsync("/v1/files", form)).Content.ReadFromJsonAsync<JsonNode>())!["id"]!;
    }

    private async Task<HttpResponseMessage> Dataset(byte[] input, string name)
    {
        if (input.Length == 0) input = [(byte)'\n'];
        string file = await Upload(input, name);
        HttpResponseMessage answer = await tenant.PostAsJsonAsync("/v1/fine_tuning/jobs/estimate", new { model = Base, training_file = file });
        await tenant.DeleteAsync($"/v1/files/{file}");
        return answer;
    }

    private async Task<HttpResponseMessage> Adapter(byte[] zip)
    {
        using var form = new MultipartFormDataContent { { new StringContent(Base), "model" }, { new ByteArrayContent(zip), "file", "adapter.zip" } };
        HttpResponseMessage answer = await tenant.PostAsync("/v1/adapters", form);
        if (answer.IsSuccessStatusCode) await tenant.DeleteAsync($"/v1/adapters/{(await Parsed(answer))["id"]}");
        return answer;
    }

    /// <summary>A template is taken, and rendered for an answer.</summary>
    private async Task<HttpResponseMessage> Template(byte[] zip)
    {
        using var form = new MultipartFormDataContent { { new StringContent(Base), "model" }, { new ByteArrayContent(zip), "file", "adapter.zip" } };
        HttpResponseMessage taken = await tenant.PostAsync("/v1/adapters", form);
        if (!taken.IsSuccessStatusCode) return taken;
        JsonNode adapter = await Parsed(taken);
        HttpResponseMessage answer = await tenant.PostAsJsonAsync("/v1/chat/completions", new { model = (string)adapter["model"]!, max_tokens = 1, messages = new[] { new { role = "user", content = "Greet Ada." } } });
        await tenant.DeleteAsync($"/v1/adapters/{adapter["id"]}");
        return answer;
    }

    private Task<HttpResponseMessage> Tokenizer(byte[] input) => Registered("tokenizer.json", input);

    private Task<HttpResponseMessage> Config(byte[] input) => Registered("config.json", input);

    /// <summary>The embedded base with one other file.</summary>
    private async Task<HttpResponseMessage> Registered(string name, byte[] input)
    {
        string model = Directory.CreateDirectory(Path.Combine(folder, $"model-{++_number}")).FullName;
        foreach (string path in Directory.EnumerateFiles(BaseFolder)) File.CreateSymbolicLink(Path.Combine(model, Path.GetFileName(path)), path);
        File.Delete(Path.Combine(model, name));
        File.WriteAllBytes(Path.Combine(model, name), input);
        try
        {
            return await Register(model);
        }
        finally
        {
            Directory.Delete(model, recursive: true);
        }
    }

    private async Task<HttpResponseMessage> Gguf(byte[] input)
    {
        string path = Path.Combine(folder, $"model-{++_number}.gguf");
        File.WriteAllBytes(path, input);
        try
        {
            return await Register(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private async Task<HttpResponseMessage> Register(string path)
    {
        string id = $"fuzz-{_number}";
        HttpResponseMessage answer = await admin.PostAsJsonAsync("/v1/models", new { id, folder = path });
        if (answer.IsSuccessStatusCode) await admin.DeleteAsync($"/v1/models/{id}");
        return answer;
    }

    private Task<HttpResponseMessage> Body(byte[] input)
    {
        int zero = Array.IndexOf(input, (byte)0);
        string path = zero < 0 ? "" : Encoding.Latin1.GetString(input, 0, zero);
        // What happened to the path is no input of this kind.
        if (!Uri.IsWellFormedUriString(path, UriKind.Relative) || !path.StartsWith("/v1/", StringComparison.Ordinal)) (path, zero) = ("/v1/chat/completions", Math.Min(zero < 0 ? 0 : zero, input.Length - 1));
        var content = new ByteArrayContent(input, Math.Min(zero + 1, input.Length), Math.Max(0, input.Length - zero - 1));
        content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        return tenant.PostAsync(path, content);
    }

    private static byte[] Entry(byte[] zip, string name)
    {
        using var archive = new ZipArchive(new MemoryStream(zip));
        using var bytes = new MemoryStream();
        using (Stream entry = archive.GetEntry(name)!.Open()) entry.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static byte[] Replace(byte[] zip, string name, byte[]? bytes)
    {
        using var read = new ZipArchive(new MemoryStream(zip));
        using var made = new MemoryStream();
        using (var write = new ZipArchive(made, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (ZipArchiveEntry entry in read.Entries.Where(entry => entry.FullName != name))
            {
                using Stream from = entry.Open(), to = write.CreateEntry(entry.FullName).Open();
                from.CopyTo(to);
            }
            if (bytes is not null)
            {
                using Stream to = write.CreateEntry(name).Open();
                to.Write(bytes);
            }
        }
        return made.ToArray();
    }

    private static async Task<JsonNode> Parsed(HttpResponseMessage answer)
    {
        await answer.Content.LoadIntoBufferAsync();
        return (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
    }
}
