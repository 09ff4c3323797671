using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace FineTuneService.Hosting;

/// <summary>Writes the endpoints' examples, their multipart bodies and the error object into the OpenAPI document.</summary>
internal sealed class ExamplesFilter : IOperationFilter
{
    private const string JsonType = "application/json";

    private static readonly ErrorBody Error = Errors.Body(400, "rank must be 1 to 2048.", "invalid_value", "lora.rank");

    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        operation.Responses ??= [];
        foreach (object mark in context.ApiDescription.ActionDescriptor.EndpointMetadata)
        {
            switch (mark)
            {
                case BodyExample example when operation.RequestBody?.Content is { } content:
                    foreach (OpenApiMediaType type in content.Values.OfType<OpenApiMediaType>()) type.Example = Node(example.Body);
                    break;
                case FormExample form:
                    operation.RequestBody = Form(form.Fields);
                    break;
                case AnswerExample example when operation.Responses["200"].Content is { } content:
                    if (content.TryGetValue(JsonType, out IOpenApiMediaType? found) && found is OpenApiMediaType answer) answer.Example = Node(example.Answer);
                    break;
                case StreamExample stream when operation.Responses["200"].Content is { } content:
                    content["text/event-stream"] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Example = stream.Events };
                    break;
            }
        }
        operation.Responses["4XX"] = new OpenApiResponse
        {
            Description = "The call was refused: the message says what to do instead, param names the field.",
            Content = new Dictionary<string, IOpenApiMediaType>
            {
                [JsonType] = new OpenApiMediaType { Schema = context.SchemaGenerator.GenerateSchema(typeof(ErrorBody), context.SchemaRepository), Example = Node(Error) },
            },
        };
    }

    private static OpenApiRequestBody Form(IReadOnlyList<FormField> fields) => new()
    {
        Required = true,
        Content = new Dictionary<string, IOpenApiMediaType>
        {
            ["multipart/form-data"] = new OpenApiMediaType
            {
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Required = fields.Where(field => field.Required).Select(field => field.Name).ToHashSet(),
                    Properties = fields.ToDictionary(field => field.Name, field => (IOpenApiSchema)new OpenApiSchema
                    {
                        Type = JsonSchemaType.String,
                        Format = field.Name == "file" ? "binary" : null,
                        Description = field.Description,
                        Examples = field.Example is { } example ? [example] : null,
                    }),
                },
            },
        },
    };

    private static JsonNode? Node(object example) => JsonSerializer.SerializeToNode(example, example.GetType(), Json.Options);
}
