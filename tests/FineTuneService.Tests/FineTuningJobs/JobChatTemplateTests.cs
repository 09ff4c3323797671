using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FineTuneService.Tests.Validation;

namespace FineTuneService.Tests.FineTuningJobs;

/// <summary>A job's own chat template: what its rows are put into is what its adapter is asked in.</summary>
public sealed class JobChatTemplateTests(TestService service) : IClassFixture<TestService>
{
    private const string Base = TestService.BaseModel;
    private const string Template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %} | {% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, InlineData("lora"), InlineData("full")]
    public async Task Train_WithOwnTemplate_AnswersInItAndGoesOnInIt(string technique)
    {
        HttpClient client = await Client();
        string file = await client.Upload(Rows);
        string text = (string)(await client.Validate(file, new { model = Base, chat_template = Template, examples = 1 }))["examples"]![0]!["text"]!;
        Assert.StartsWith("[user] Greet 0. | [assistant] Good day 0!", text);
        string model = await Trained(client, new { model = Base, training_file = file, technique, chat_template = Template, training = new { max_steps = 1 } });
        Assert.Equal("[user] Hi | [assistant] ", await Prompt(client, model));
        Assert.NotEqual("[user] Hi | [assistant] ", await Prompt(client, Base));
        if (technique == "full") return;
        string next = await Trained(client, new { model = Base, training_file = file, init_from = model, training = new { max_steps = 1 } });
        Assert.Equal("[user] Hi | [assistant] ", await Prompt(client, next));
        string other = await Trained(client, new { model = Base, training_file = file, init_from = model, chat_template = Template.Replace("[", "<"), training = new { max_steps = 1 } });
        Assert.StartsWith("<user] Hi", await Prompt(client, other));
    }

    [Theory]
    [InlineData("{% for m in messages %}", null)]
    [InlineData("", null)]
    [InlineData("{{ messages }}", "Q: {prompt}")]
    public async Task Create_TemplateThatCannotBeUsed_IsRefusedByName(string template, string? promptTemplate)
    {
        HttpClient client = await Client();
        string file = await client.Upload(Rows);
        object body = new { model = Base, training_file = file, chat_template = template, dataset = promptTemplate is null ? null : new { prompt_template = promptTemplate } };
        Assert.Equal("chat_template", (string?)(await client.PostAsJsonAsync("/v1/fine_tuning/jobs", body, Cancel).Error(HttpStatusCode.BadRequest))["param"]);
    }

    private static string Rows => string.Concat(Enumerable.Range(0, 10).Select(i => $$$"""{"messages": [{"role": "user", "content": "Greet {{{i}}}."}, {"role": "assistant", "content": "Good day {{{i}}}!"}]}""" + "\n"));

    private static async Task<string> Prompt(HttpClient client, string model) =>
        (string)(await client.Post("/v1/chat/template", new { model, messages = new[] { new { role = "user", content = "Hi" } } }))["prompt"]!;

    private static async Task<string> Trained(HttpClient client, object job)
    {
        JsonNode ended = await client.Ended((string)(await client.Post("/v1/fine_tuning/jobs", job))["id"]!);
        Assert.True((string?)ended["status"] == "succeeded", ended.ToJsonString());
        return (string)ended["fine_tuned_model"]!;
    }

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
