using FineTuneService.Completions;
using FineTuneService.FineTuningJobs;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace FineTuneService.Hosting;

/// <summary>The OpenAPI shapes of values that converters read, which Swashbuckle cannot see.</summary>
internal static class SchemaShapes
{
    public static void AddTo(SwaggerGenOptions swagger)
    {
        swagger.MapType<OneOrMany>(() => Either(Text(), Array(Text())));
        swagger.MapType<WholeNumbers>(() => Either(Number("integer"), Array(Number("integer"))));
        swagger.MapType<TokenIndices>(() => Either(Array(Number("integer")), new OpenApiSchema { Type = JsonSchemaType.Object, AdditionalProperties = Array(Number("integer")) }));
        swagger.MapType<Prompts>(() => Either(Text(), Array(Text()), Array(Number("integer")), Array(Array(Number("integer")))));
        swagger.MapType<Auto>(AutoShape);
        swagger.MapType<Auto?>(AutoShape);
        swagger.MapType<NotBuilt>(() => new OpenApiSchema { Description = "Not built yet: null, or a value that asks for nothing." });
    }

    /// <summary>A name that OpenAPI allows: Feature.Type, or Page.Feature.Type for a list of it.</summary>
    public static string NameOf(Type type) => type.IsGenericType
        ? $"{type.Name.Split('`')[0]}.{string.Join('.', type.GetGenericArguments().Select(NameOf))}"
        : type.FullName!.Replace("FineTuneService.", "").Replace("+", ".");

    private static OpenApiSchema AutoShape() => Either(Number("number"), new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["auto"] });

    private static OpenApiSchema Either(params IOpenApiSchema[] shapes) => new() { OneOf = [.. shapes] };

    private static OpenApiSchema Text() => new() { Type = JsonSchemaType.String };

    private static OpenApiSchema Number(string kind) => new() { Type = kind == "integer" ? JsonSchemaType.Integer : JsonSchemaType.Number };

    private static OpenApiSchema Array(IOpenApiSchema items) => new() { Type = JsonSchemaType.Array, Items = items };
}
