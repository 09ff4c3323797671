using System.Text.Json;
using FineTuneService.Demo.Tenants;

namespace FineTuneService.Tests.Demo;

public class TenantTaskTests
{
    public static TheoryData<string> Tasks => ["prices", "complaints"];

    private static TenantTask Make(string task) => task == "prices" ? PriceDesk.Make() : ComplaintDesk.Make();

    [Theory, MemberData(nameof(Tasks))]
    public void Make_Twice_GivesTheSameRows(string task)
    {
        Assert.Equal(Make(task).Train, Make(task).Train);
        Assert.Equal(Make(task).HeldOut, Make(task).HeldOut);
    }

    [Theory, MemberData(nameof(Tasks))]
    public void HeldOut_HasAHundredRows_NoPromptOfWhichIsInTheTrainingData(string task)
    {
        var made = Make(task);
        var seen = made.Train.Concat(made.Validation).Select(e => e.Prompt).ToHashSet();
        Assert.True(made.HeldOut.Count >= 100);
        Assert.DoesNotContain(made.HeldOut, e => seen.Contains(e.Prompt));
    }

    [Fact]
    public void PriceDesk_HeldOut_AsksOnlyForThingsWithATrainedAnswer()
    {
        var task = PriceDesk.Make();
        var known = task.Train.Select(e => e.Answer).ToHashSet();
        Assert.All(task.HeldOut, e => Assert.Contains(e.Answer, known));
        Assert.All(task.HeldOut, e => Assert.Matches(@"^[A-Z]+ \| \d+ talers \| aisle \d$", e.Answer));
    }

    [Fact]
    public void ComplaintDesk_HeldOut_HasCustomersAndReferencesThatNoTrainingRowHas()
    {
        var task = ComplaintDesk.Make();
        var training = task.Train.Concat(task.Validation).Select(e => e.Prompt + e.Answer).ToArray();
        foreach (var (prompt, answer) in task.HeldOut)
        {
            var fields = JsonSerializer.Deserialize<Dictionary<string, string>>(answer)!;
            Assert.Equal(["customer", "reference", "product", "issue"], fields.Keys);
            Assert.All(fields.Values, value => Assert.Contains(value, prompt));
            foreach (var unseen in new[] { fields["customer"], fields["reference"] })
                Assert.DoesNotContain(training, text => text.Contains(unseen));
        }
    }

    [Fact]
    public void ToJsonLine_IsAChatRow()
    {
        var row = JsonDocument.Parse(new Example("Which \"kettle\"?", "{\"a\": 1}").ToJsonLine()).RootElement.GetProperty("messages");
        Assert.Equal("user", row[0].GetProperty("role").GetString());
        Assert.Equal("{\"a\": 1}", row[1].GetProperty("content").GetString());
    }
}
