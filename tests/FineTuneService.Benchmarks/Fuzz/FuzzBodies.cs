using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Benchmarks.Fuzz;

/// <summary>Bodies of requests, each with its path before a zero byte.</summary>
internal static class FuzzBodies
{
    /// <summary>So often each body that is served stands among those that name objects which are not there.</summary>
    private const int Weight = 12;

    /// <param name="document">The service's own OpenAPI document, for its examples.</param>
    /// <param name="file">A training file that is there.</param>
    public static List<byte[]> All(JsonNode document, string model, string file)
    {
        var bodies = new List<byte[]>();
        foreach ((string path, JsonNode? operations) in document["paths"]!.AsObject())
        {
            if (path is "/v1/tenants" or "/v1/api_keys" or "/v1/models" or "/v1/webhook_endpoints" || operations!["post"]?["requestBody"]?["content"]?["application/json"]?["example"] is not { } example) continue;
            bodies.Add(Encoding.UTF8.GetBytes($"{path.Replace("{id}", "none")}\0{example.ToJsonString()}"));
        }
        (string Path, string Body)[] served =
        [
            ("chat/completions", """{"model": "MODEL", "messages": [{"role": "user", "content": "Greet Ada."}], "max_tokens": 2, "temperature": 0.5, "seed": 1, "stop": ["."]}"""),
            ("chat/completions", """{"model": "MODEL", "messages": [{"role": "user", "content": [{"type": "text", "text": "Greet Ada."}]}], "max_tokens": 2, "tools": [{"type": "function", "function": {"name": "greet", "parameters": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 4}}}}}], "tool_choice": "auto"}"""),
            ("chat/completions", """{"model": "MODEL", "messages": [{"role": "user", "content": "Greet Ada."}], "max_tokens": 8, "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object", "properties": {"a": {"enum": [1, "b", null]}}, "required": ["a"], "additionalProperties": false}}}}"""),
            ("completions", """{"model": "MODEL", "prompt": ["Greet Ada.", "Greet Bob."], "max_tokens": 2, "logprobs": 2, "echo": true, "top_p": 0.9, "logit_bias": {"5": -1}}"""),
            ("tokenize", """{"model": "MODEL", "prompt": "Greet Ada.", "add_special_tokens": true}"""),
            ("detokenize", """{"model": "MODEL", "tokens": [1, 2, 3, 40]}"""),
            ("fine_tuning/jobs/estimate", """{"model": "MODEL", "training_file": "FILE", "lora": {"rank": 4, "alpha": 8, "target_modules": ["q_proj", "v_proj"]}, "training": {"max_steps": 4, "batch_size": 2, "learning_rate": 0.001}}"""),
        ];
        foreach ((string path, string body) in served)
            for (int i = 0; i < Weight; i++) bodies.Add(Encoding.UTF8.GetBytes($"/v1/{path}\0{body.Replace("MODEL", model).Replace("FILE", file)}"));
        return bodies;
    }

    /// <summary>Its JSON is changed as JSON; its path is kept.</summary>
    public static byte[] Mutate(byte[] body, Random random)
    {
        int zero = Array.IndexOf(body, (byte)0);
        return [.. body[..(zero + 1)], .. JsonMutator.Mutate(body[(zero + 1)..], random)];
    }
}
