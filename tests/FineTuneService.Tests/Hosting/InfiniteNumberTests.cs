using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Completions;
using FineTuneService.FineTuningJobs;

namespace FineTuneService.Tests.Hosting;

/// <summary>1e999 is valid JSON, and infinity to System.Text.Json: in every field of every request it is refused by that field's name.</summary>
public sealed class InfiniteNumberTests(TestService service) : IClassFixture<TestService>
{
    private static readonly Type[] Numbers = [typeof(int), typeof(long), typeof(double), typeof(float), typeof(Auto), typeof(double[])];

    public static TheoryData<string, string> Fields
    {
        get
        {
            var fields = new TheoryData<string, string>();
            foreach (string path in new[] { "/v1/fine_tuning/jobs", "/v1/fine_tuning/jobs/estimate" })
            {
                foreach (string name in NumbersOf(typeof(CreateJobRequest))) fields.Add(path, name);
            }
            foreach (string name in NumbersOf(typeof(ChatCompletionRequest))) fields.Add("/v1/chat/completions", name);
            return fields;
        }
    }

    [Theory, MemberData(nameof(Fields))]
    public async Task Post_InfiniteNumber_IsRefusedByItsName(string path, string field)
    {
        HttpClient client = service.With(await service.NewTenant("n" + Guid.NewGuid().ToString("n")[..12]));
        foreach (string number in new[] { "1e999", "-1e999" })
        {
            JsonNode error = await client.PostAsync(path, new StringContent(Body(path, field, number), Encoding.UTF8, "application/json")).Error(HttpStatusCode.BadRequest);
            Assert.Contains(field.Split('.')[^1], (string?)error["param"]);
        }
        Assert.Empty((await client.Get("/v1/fine_tuning/jobs"))["data"]!.AsArray());
    }

    /// <summary>A whole body but for this field: JSON's own writers do not write such a number.</summary>
    private static string Body(string path, string field, string number)
    {
        const string place = "the number";
        JsonObject body = path.Contains("chat", StringComparison.Ordinal)
            ? new JsonObject { ["model"] = TestService.BaseModel, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "hi" }) }
            : new JsonObject { ["model"] = TestService.BaseModel, ["training_file"] = "file-1" };
        string[] names = field.Split('.');
        JsonObject inner = body;
        foreach (string name in names[..^1])
        {
            var next = new JsonObject();
            if (name == "method") next["type"] = "supervised";
            inner[name] = next;
            inner = next;
        }
        inner[names[^1]] = names[^1] == "betas" ? new JsonArray(0.9, place) : place;
        return body.ToJsonString().Replace($"\"{place}\"", number);
    }

    private static IEnumerable<string> NumbersOf(Type type)
    {
        foreach (PropertyInfo property in type.GetProperties())
        {
            Type of = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            string name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            if (Numbers.Contains(of)) yield return name;
            else if (of.Name.EndsWith("Body", StringComparison.Ordinal)) foreach (string inner in NumbersOf(of)) yield return $"{name}.{inner}";
        }
    }
}
