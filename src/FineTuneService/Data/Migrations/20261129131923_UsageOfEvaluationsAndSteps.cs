using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace FineTuneService.Data.Migrations
{
    /// <inheritdoc />
    public partial class UsageOfEvaluationsAndSteps : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "EvaluatedTokens",
                table: "usage_days",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<int>(
                name: "CountedStep",
                table: "jobs",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<long>(
                name: "CountedTokens",
                table: "jobs",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "EvaluatedTokens",
                table: "usage_days");

            migrationBuilder.DropColumn(
                name: "CountedStep",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "CountedTokens",
                table: "jobs");
        }
    }
}
